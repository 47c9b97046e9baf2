from dataclasses import dataclass, field

import numpy as np

from model.features import WINE
from model.serving_state import Scores
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.outcomes import score_batch
from serving.scoring.records import WineBatch

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


def of(data_type: str, alcohol: float, partition: int, offset: int) -> Record:
    return Record(WineRecord(dataType=data_type, alcohol=alcohol, ts=5).SerializeToString(), partition, offset)


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
    served = score_batch(batch, scorer, lambda: 99)
    assert [(s.model_name, s.values.tolist()) for s in served.scored] == [
        ("for cider", [5.0, 6.0]),
        ("for wine", [9.0]),
    ]
    assert sorted((each.record.partition, each.record.offset) for each in served.rejected) == [(0, 2), (1, 1), (1, 2)]
    assert [wines.records for wines in served.skipped] == [[batch[3]]]
    assert scorer.unfit == [("cider", []), ("wine", [(1, 2)]), ("beer", [])], (
        "the scored-without-result one is counted where it was scored"
    )
