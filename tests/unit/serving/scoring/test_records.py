from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import WINE
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.records import MAX_KEY_BYTES, decode

MANY = 8  # equally long messages are read in bulk from here on


@dataclass(frozen=True)
class Record:
    value: bytes | None
    key: bytes | None = b"id"
    topic: str = "models_data"
    partition: int = 1
    offset: int = 42
    timestamp: int = 1234


def message(**fields: float | str | int) -> bytes:
    return WineRecord(**{"dataType": "wine", **fields}).SerializeToString()  # type: ignore[arg-type]


def test_features_are_the_record_s_measurements_in_the_order_of_the_field_numbers() -> None:
    # Field n of a WineRecord holds n: 0x09 + 8 * (n - 1) is the tag of a double with field number n.
    (batch,), rejected = decode([Record(message(**{name: float(n) for n, name in enumerate(WINE, 1)}))])
    assert rejected == []
    assert batch.features.tolist() == [[1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]


def test_a_measurement_that_is_not_on_the_wire_is_zero() -> None:
    (batch,), _ = decode([Record(message(alcohol=9.0))])
    assert batch.features[0, WINE.index("citric_acid")] == 0.0


def test_an_old_record_without_a_time_has_kafka_s() -> None:
    (batch,), _ = decode([Record(message(ts=5)), Record(message())])
    assert batch.record_ts_ms.tolist() == [5, 1234]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(None), "empty value"),
        (Record(b""), "empty value"),
        (Record(b"\xff\xff\xff"), "not a WineRecord"),
        (Record(b'{"alcohol": 9.4}'), "not a WineRecord"),
        (Record(WineRecord(alcohol=9.0).SerializeToString()), "no data type"),
        (Record(message(dataType="w" * 256)), "data type longer than 255"),
        (Record(message(), key=b"k" * (MAX_KEY_BYTES + 1)), "key longer than"),
        (Record(message(alcohol=float("nan"))), "alcohol is nan"),
        (Record(message(pH=float("inf"))), "pH is inf"),
        (Record(message(density=float("-inf"))), "density is -inf"),
    ],
)
def test_a_bad_record_is_rejected_with_its_reason_and_the_one_beside_it_is_not(record: Record, reason: str) -> None:
    good = Record(message(alcohol=9.0))
    (batch,), (rejected,) = decode([record, good])
    assert batch.records == [good]
    assert rejected.record is record
    assert reason in str(rejected)
    assert str(rejected).startswith("models_data[1]@42: ")


def test_in_numbers_they_are_rejected_too() -> None:
    empty_data_type = Record(message(dataType="w").replace(b"\x62\x01w", b"\x62\x00"))
    too_long = Record(message(), key=b"k" * (MAX_KEY_BYTES + 1))
    batches, rejected = decode([empty_data_type] * MANY + [too_long] * MANY)
    assert batches == []
    assert len(rejected) == 2 * MANY


TIMES = st.sampled_from([0, 5, 1_763_700_000_000])
NUMBERS = st.one_of(st.floats(), st.just(0.0))
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.builds(
        lambda alcohol, data_type: message(alcohol=alcohol, dataType=data_type),
        NUMBERS,
        st.sampled_from(["wine", "beer", ""]),
    ),
)


WINES = st.sampled_from(["wine", "beer"]).flatmap(
    lambda data_type: st.lists(
        st.builds(lambda alcohol, ts: message(alcohol=alcohol, pH=3.0, dataType=data_type, ts=ts), NUMBERS, TIMES),
        max_size=3 * MANY,
    )
)


@given(st.lists(VALUES, max_size=12), WINES, st.randoms(use_true_random=False))
def test_every_record_comes_back_exactly_once_in_order_and_as_the_parser_reads_it(
    values: list[bytes | None], wines: list[bytes], random: Random
) -> None:
    every = [*values, *wines]
    random.shuffle(every)
    records = [Record(value, offset=offset) for offset, value in enumerate(every)]
    batches, rejected = decode(records)
    offsets = [record.offset for batch in batches for record in batch.records]
    offsets += [each.record.offset for each in rejected]
    assert sorted(offsets) == list(range(len(records)))
    assert len({batch.data_type for batch in batches}) == len(batches)
    for batch in batches:
        assert [record.offset for record in batch.records] == sorted(record.offset for record in batch.records)
        parsed = [WineRecord.FromString(record.value or b"") for record in batch.records]
        assert {wine.dataType for wine in parsed} <= {batch.data_type}
        assert batch.features.tolist() == [[getattr(wine, name) for name in WINE] for wine in parsed]
        assert batch.features.shape == (len(parsed), 11)
        assert np.isfinite(batch.features).all()
        assert batch.record_ts_ms.tolist() == [wine.ts or 1234 for wine in parsed]
