"""The formula for a changelog's bytes, against what writes such bytes: aiokafka's record batches and protobuf."""

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from client.provider.shipped_models import shipped_model
from experiments.price_of_state.__main__ import PriceSettings, broken_promises, cases
from experiments.price_of_state.formula import (
    EPOCH_MS,
    Writes,
    changelog_bytes,
    counters_bytes,
    kept_model_bytes,
    record_batch_bytes,
    whole_row_bytes,
)
from experiments.price_of_state.measuring import Case, Predicted, Price, padded
from experiments.price_of_state.whole.topology import whole_row
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor

TOPIC_ID = "kT3sXvQyR0-_dGhpc2lzYQ"  # as Kafka gives them: 16 bytes in base64


def produced_bytes(key: bytes, value: bytes) -> int:
    """As aiokafka's producer writes a batch with one record."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1)
    builder.append(0, timestamp=EPOCH_MS, key=key, value=value, headers=[])
    return len(builder.build())


def counters(partition: int, usage: int, next_offset: int, model_offset: int) -> KeptCounters:
    return KeptCounters(
        usage=usage,
        duration_ms=1.5,
        min_ms=0.25,
        max_ms=0.5,
        next_offsets={partition: next_offset},
        model_offset=model_offset,
        model_topic_id=TOPIC_ID,
        data_topic_id=TOPIC_ID,
    )


@pytest.mark.parametrize("value_bytes", [0, 1, 63, 64, 90, 8191, 8192, 300_000, 2_000_000])
def test_a_produce_batch_is_as_long_as_aiokafka_makes_it(value_bytes: int) -> None:
    key = b"counters/0/wine"
    assert record_batch_bytes(len(key), value_bytes) == produced_bytes(key, bytes(value_bytes))


@pytest.mark.parametrize("partition", [0, 1, 127, 128])
@pytest.mark.parametrize("number", [1, 127, 128, 16_383, 16_384, 3_000_000_000])
def test_a_row_of_counters_is_as_long_as_protobuf_makes_it(partition: int, number: int) -> None:
    row = counters(partition, usage=number, next_offset=number + 1, model_offset=number - 1)
    assert counters_bytes(partition, number, number + 1, number - 1) == row.ByteSize()


@pytest.mark.parametrize("offset", [0, 1, 200])
@pytest.mark.parametrize("data_bytes", [100, 2000, 300_000])
def test_a_whole_row_has_counters_and_model_and_can_be_read_as_counters(offset: int, data_bytes: int) -> None:
    descriptor = ModelDescriptor(name="a model", dataType="wine", data=bytes(data_bytes))
    model = KeptModel(offset=offset, descriptor=descriptor, since_ms=EPOCH_MS, topic_id=TOPIC_ID)
    assert kept_model_bytes(descriptor.ByteSize(), offset) == model.ByteSize()
    kept = counters(2, usage=5, next_offset=7, model_offset=offset)
    row = whole_row(kept, model)
    assert len(row) == whole_row_bytes(kept.ByteSize(), model.ByteSize())
    read = KeptCounters.FromString(row)
    assert (read.usage, dict(read.next_offsets)) == (5, {2: 7})


def test_a_changelog_has_a_produce_batch_for_each_write_and_the_rows_count_on() -> None:
    rows = [counters(1, usage=120 + done, next_offset=16_380 + done, model_offset=3) for done in (5, 10, 15)]
    expected = sum(produced_bytes(b"counters/1/wine", row.SerializeToString()) for row in rows)
    assert changelog_bytes(Writes(1, 3, 5, 120, 16_380), "wine", 3, None) == expected


@pytest.mark.parametrize("n_bytes", [1000, 2000, 300_000])
def test_a_padded_model_has_the_size_that_was_asked_for(n_bytes: int) -> None:
    linear = shipped_model("linear-onnx")
    assert abs(len(padded(linear, n_bytes).data) - n_bytes) <= 1


def test_cases_are_rounded_to_full_batches_in_every_partition() -> None:
    settings = PriceSettings.read("test", ["--records", "300100", "--single-records", "10", "--batch", "1000"])
    assert [(case.state, case.batch, case.records) for case in cases(settings)] == [
        ("none", 1, 9),
        ("apart", 1, 9),
        ("whole", 1, 9),
        ("none", 1000, 300_000),
        ("apart", 1000, 300_000),
        ("whole", 1000, 300_000),
    ]


@pytest.mark.parametrize(
    ("rows", "model", "broken"),
    [(100_000, 2000, 0), (98_040, 2000, 0), (97_900, 2000, 1), (102_200, 2000, 1), (100_000, 1900, 1)],
)
def test_two_hundredths_are_promised_of_the_rows_and_of_the_model(rows: int, model: int, broken: int) -> None:
    case = Case("apart", 100, 30_000)
    price = Price(case, 2000, Predicted(100_000, 2000), Predicted(rows, model), 1.0)
    assert len(broken_promises([price])) == broken
