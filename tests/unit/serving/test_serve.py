from dataclasses import dataclass, field

import numpy as np

from model.features import WINE
from model.serving_state import Scores
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from serving.records import WineBatch
from serving.serve import record_id, results, serve

NO_SCORE = 13.0


@dataclass(frozen=True)
class Record:
    value: bytes | None
    partition: int = 0
    offset: int = 0
    key: bytes | None = b"id"
    topic: str = "models_data"
    timestamp: int = 77


@dataclass
class AlcoholScorer:
    """A wine's score is its alcohol; beer has no model; cider is scored by another one."""

    unfit: list[tuple[str, list[tuple[int, int]]]] = field(default_factory=list)

    def __call__(self, wines: WineBatch) -> Scores:
        self.unfit.append((wines.data_type, [(each.partition, each.offset) for each in wines.unfit]))
        if wines.data_type == "beer":
            return Scores(None, None, 0.0)
        alcohol = wines.features[:, WINE.index("alcohol")]
        return Scores(np.where(alcohol == NO_SCORE, np.nan, alcohol), f"for {wines.data_type}", 0.5)


def of(data_type: str, alcohol: float, partition: int, offset: int, key: bytes | None = b"id") -> Record:
    return Record(WineRecord(dataType=data_type, alcohol=alcohol, ts=5).SerializeToString(), partition, offset, key)


def test_what_becomes_of_each_record_of_a_mixed_batch() -> None:
    scorer = AlcoholScorer()
    batch = [
        of("cider", 5.0, 0, 0),
        of("wine", 9.0, 0, 1),
        Record(b"\xff", 0, 2),
        of("beer", 4.0, 1, 0),
        of("wine", NO_SCORE, 1, 1),
        of("wine", float("nan"), 1, 2),
        of("cider", 6.0, 0, 3),
    ]
    served = serve(batch, scorer, lambda: 99)
    assert [(s.model_name, s.values) for s in served.scored] == [("for cider", [5.0, 6.0]), ("for wine", [9.0])]
    assert sorted((each.record.partition, each.record.offset) for each in served.rejected) == [(0, 2), (1, 1), (1, 2)]
    assert [wines.records for wines in served.skipped] == [[batch[3]]]
    assert scorer.unfit == [("cider", []), ("wine", [(1, 2)]), ("beer", [])], (
        "the scored-without-result one is counted where it was scored"
    )


def test_results_are_in_their_records_order_whatever_their_data_types() -> None:
    batch = [of("wine", 1.0, 1, 7), of("cider", 2.0, 0, 3), of("wine", 3.0, 0, 4), of("cider", 4.0, 1, 8)]
    messages = results(serve(batch, AlcoholScorer(), lambda: 99))
    decoded = [ServingResult.FromString(message.value) for message in messages]
    assert [(each.source_partition, each.source_offset) for each in decoded] == [(0, 3), (0, 4), (1, 7), (1, 8)]
    assert [message.partition for message in messages] == [0, 0, 1, 1]


def test_a_result_carries_what_its_reader_needs() -> None:
    (message,) = results(serve([of("wine", 9.5, 2, 41, b"id-7")], AlcoholScorer(), lambda: 99))
    assert (message.partition, message.key) == (2, b"id-7")
    assert ServingResult.FromString(message.value) == ServingResult(
        data_type="wine",
        record_id="id-7",
        value=9.5,
        model_name="for wine",
        record_ts=5,
        scored_ts=99,
        duration_ms=0.5,
        source_partition=2,
        source_offset=41,
    )


def test_a_record_id_is_the_key_or_the_place_and_always_text() -> None:
    assert record_id(of("wine", 1.0, 2, 41, b"id-7")) == "id-7"
    assert record_id(of("wine", 1.0, 2, 41, None)) == "models_data-2@41"
    assert record_id(of("wine", 1.0, 2, 41, b"\xff\x01")) == "\\xff\x01"
    assert len(record_id(of("wine", 1.0, 2, 41, b"k" * 60_000))) == 255
