from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.features import WINE
from protobufs.serving_result_pb2 import ServingResult
from serving.scoring.bulk_encoding import record_id, results
from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import WineBatch


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None = b""
    topic: str = "models_data"
    timestamp: int = 77


def scored(records: Sequence[Record], values: Sequence[float], ts_ms: Sequence[int], data_type: str) -> ScoredWines:
    features = np.zeros((len(records), len(WINE)))
    wines = WineBatch(data_type, records, np.array(ts_ms, dtype=np.int64), features)
    return ScoredWines(wines, np.array(values), f"for {data_type}", 0.5, 99)


def served(*parts: ScoredWines) -> BatchOutcome:
    return BatchOutcome([record for part in parts for record in part.wines.records], parts, [], [])


def test_results_are_in_their_records_order_whatever_their_data_types() -> None:
    wines = scored([Record(1, 7, b"a"), Record(0, 4, b"b")], [1.0, 3.0], [5, 5], "wine")
    ciders = scored([Record(0, 3, b"c"), Record(1, 8, b"d")], [2.0, 4.0], [5, 5], "cider")
    by_partition = results(served(wines, ciders))
    assert {partition: [key for key, _ in pairs] for partition, pairs in by_partition.items()} == {
        0: [b"c", b"b"],
        1: [b"a", b"d"],
    }


IDS = st.one_of(
    st.none(), st.binary(max_size=300), st.integers(0, 300).map(lambda n: b"k" * n), st.text().map(str.encode)
)
RECORDS = st.tuples(
    st.builds(Record, st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), IDS),
    st.floats(allow_nan=False),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(1_763_700_000_000, 1_763_700_900_000)),
)


@given(st.lists(RECORDS, min_size=1, max_size=20), st.text(min_size=1, max_size=9))
def test_a_result_carries_what_its_reader_needs(rows: list[tuple[Record, float, int]], data_type: str) -> None:
    records, values, ts_ms = zip(*rows, strict=True)
    by_partition = results(served(scored(records, values, ts_ms, data_type)))
    for partition, pairs in by_partition.items():
        here = [row for row in rows if row[0].partition == partition]
        for (key, message), (record, value, record_ts) in zip(pairs, here, strict=True):
            assert key == record.key
            assert ServingResult.FromString(message) == ServingResult(
                data_type=data_type,
                record_id=record_id(record),
                value=value,
                model_name=f"for {data_type}",
                record_ts=record_ts,
                scored_ts=99,
                duration_ms=0.5,
                source_partition=partition,
                source_offset=record.offset,
            )
    assert sum(map(len, by_partition.values())) == len(rows)


def test_a_record_id_is_the_key_or_the_place_and_always_text() -> None:
    assert record_id(Record(2, 41, b"id-7")) == "id-7"
    assert record_id(Record(2, 41, None)) == "models_data-2@41"
    assert record_id(Record(2, 41, b"\xff\x01")) == "\\xff\x01"
    assert len(record_id(Record(2, 41, b"k" * 60_000))) == 255
