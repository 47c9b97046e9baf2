"""The messages on the wire, against bytes put together by hand from the field numbers that the JVM tutorial uses.

Source of the encoding: Protocol Buffers documentation, "Encoding": a tag is (field number << 3) | wire type; doubles
have wire type 1 (8 bytes, little endian), integers and enums 0 (varint), strings and bytes 2 (length, content).
"""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from tests.support.process import ROOT


def varint(number: int) -> bytes:
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def integer(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def test_a_wine_record() -> None:
    by_hand = b"".join(double(n, n + 0.5) for n in range(1, 12)) + text(12, b"wine") + integer(13, 1_700_000_000_000)
    wine = WineRecord(
        fixed_acidity=1.5,
        volatile_acidity=2.5,
        citric_acid=3.5,
        residual_sugar=4.5,
        chlorides=5.5,
        free_sulfur_dioxide=6.5,
        total_sulfur_dioxide=7.5,
        density=8.5,
        pH=9.5,
        sulphates=10.5,
        alcohol=11.5,
        dataType="wine",
        ts=1_700_000_000_000,
    )
    assert WineRecord.FromString(by_hand) == wine
    assert wine.SerializeToString() == by_hand


def test_a_zero_is_left_off_the_wire_and_read_back_as_zero() -> None:
    assert WineRecord(citric_acid=0.0).SerializeToString() == b""
    assert WineRecord.FromString(double(11, 9.4)).citric_acid == 0.0


@pytest.mark.parametrize(("name", "number"), [("TENSORFLOW", 0), ("TENSORFLOWSAVED", 1), ("PMML", 2), ("ONNX", 3)])
def test_a_model_descriptor_with_its_bytes(name: str, number: int) -> None:
    by_hand = text(1, b"forest") + text(2, b"100 trees") + text(3, b"wine")
    by_hand += (integer(4, number) if number else b"") + text(5, b"\x00\xff model")
    descriptor = ModelDescriptor(
        name="forest",
        description="100 trees",
        dataType="wine",
        modeltype=name,
        data=b"\x00\xff model",
    )
    assert ModelDescriptor.FromString(by_hand) == descriptor
    assert descriptor.SerializeToString() == by_hand


def test_a_model_descriptor_has_bytes_or_a_location_and_the_last_one_counts() -> None:
    descriptor = ModelDescriptor.FromString(text(5, b"model") + text(6, b"file:model.onnx"))
    assert descriptor.WhichOneof("MessageContent") == "location"
    assert descriptor.location == "file:model.onnx"


def test_a_serving_result() -> None:
    by_hand = text(1, b"wine") + text(2, b"id-7") + double(3, 5.68) + text(4, b"forest")
    by_hand += integer(5, 1_700_000_000_000) + integer(6, 1_700_000_000_005) + double(7, 0.25)
    by_hand += integer(8, 2) + integer(9, 123_456_789_012)
    result = ServingResult(
        data_type="wine",
        record_id="id-7",
        value=5.68,
        model_name="forest",
        record_ts=1_700_000_000_000,
        scored_ts=1_700_000_000_005,
        duration_ms=0.25,
        source_partition=2,
        source_offset=123_456_789_012,
    )
    assert ServingResult.FromString(by_hand) == result
    assert result.SerializeToString() == by_hand


def test_the_generated_code_is_that_of_the_proto_files(tmp_path: Path) -> None:
    protos = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("protobufs/*.proto"))
    flags = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I.", *flags, *protos], cwd=ROOT, check=True)
    generated = sorted(tmp_path.glob("protobufs/*_pb2.py*"))
    assert len(generated) == 2 * len(protos)
    for path in generated:
        assert path.read_text() == (ROOT / "protobufs" / path.name).read_text(), "make generate"
