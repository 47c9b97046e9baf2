import pytest

from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.models.feed import read_descriptor


def test_the_descriptor_in_a_record() -> None:
    sent = ModelDescriptor(name="forest", dataType="wine", modeltype="PMML", data=b"<PMML/>")
    assert read_descriptor(sent.SerializeToString()) == sent


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty value"),
        (b"", "empty value"),
        (b"\xff\xff", "not a ModelDescriptor"),
        (ModelDescriptor(name="n" * 256, dataType="wine").SerializeToString(), "longer than 255"),
        (ModelDescriptor(name="n", dataType="w" * 256).SerializeToString(), "longer than 255"),
    ],
)
def test_a_record_without_one_is_refused_with_the_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_descriptor(value)


def test_the_tutorial_s_first_version_wrote_pmml_as_1_and_is_understood_when_asked_to() -> None:
    # Tag of field 4, an enum: (4 << 3) | 0 = 0x20.
    old = b"\x1a\x04wine\x20\x01"
    assert read_descriptor(old).modeltype == ModelDescriptor.TENSORFLOWSAVED
    assert read_descriptor(old, pmml_is_1=True).modeltype == ModelDescriptor.PMML
