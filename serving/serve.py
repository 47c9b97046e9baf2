"""From a batch of records to what becomes of each: a score, a dead letter, or a skip. The same for all variants."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from model.features import Features
from model.serving_state import Scores
from protobufs.serving_result_pb2 import ServingResult
from serving.records import RawRecord, RejectedRecord, WineBatch, decode

MAX_RECORD_ID_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class ScoredWines:
    """The scored records of one data type; ``values`` holds a finite number for each."""

    wines: WineBatch
    values: list[float]
    model_name: str
    duration_ms: float  # each record's share
    scored_ts_ms: int  # epoch ms


@dataclass(frozen=True, slots=True)
class ServedBatch:
    """What became of a batch: each of its records is in exactly one of the three lists."""

    records: Sequence[RawRecord]
    scored: Sequence[ScoredWines]
    rejected: Sequence[RejectedRecord]
    skipped: Sequence[WineBatch]


class Result(NamedTuple):
    """A score on its way to the scores topic."""

    partition: int  # the record's own: so order is kept
    key: bytes | None  # the record's own
    value: bytes  # a ServingResult


class Scorer(Protocol):
    """What a variant brings: it finds the data type's state, wherever that lives, and keeps the next one."""

    def score(self, data_type: str, features: Features) -> Scores:
        """``ServingState.score`` of that data type's state; features of shape (n, 11), n >= 1."""
        ...

    def reject(self, data_type: str, records: int) -> None:
        """``ServingState.reject`` of that data type's state."""
        ...


def serve(records: Sequence[RawRecord], scorer: Scorer, now_ms: Callable[[], int]) -> ServedBatch:
    """Decode a batch, score it by data type with one call each, and sort out what has no score."""
    batches, rejected = decode(records)
    for data_type, count in Counter(each.data_type for each in rejected).items():
        if data_type is not None:
            scorer.reject(data_type, count)
    scored: list[ScoredWines] = []
    skipped: list[WineBatch] = []
    for wines in batches:
        scores = scorer.score(wines.data_type, wines.features)
        if scores.values is None or scores.model_name is None:
            skipped.append(wines)
            continue
        finite = np.isfinite(scores.values)
        if not finite.all():
            reason = f"model {scores.model_name!r} has no score for it"
            failed = wines.only(~finite)
            rejected += [RejectedRecord(record, reason, wines.data_type) for record in failed.records]
            wines = wines.only(finite)
        values = scores.values[finite].tolist()
        if values:
            scored.append(ScoredWines(wines, values, scores.model_name, scores.duration_ms, now_ms()))
    return ServedBatch(records, scored, rejected, skipped)


def results(served: ServedBatch) -> list[Result]:
    """The messages for the scores topic, in the order of their records within each partition."""
    pairs = [pair for scored in served.scored for pair in _results_of(scored)]
    if len(served.scored) > 1:
        pairs.sort(key=lambda pair: (pair[0].partition, pair[0].offset))
    return [result for _, result in pairs]


def record_id(record: RawRecord) -> str:
    """The record's key as text, or where it came from if it has none; bytes that are no text show as escapes."""
    if record.key is None:
        return f"{record.topic}-{record.partition}@{record.offset}"
    return record.key.decode("utf-8", "backslashreplace")[:MAX_RECORD_ID_CHARACTERS]


def _results_of(scored: ScoredWines) -> list[tuple[RawRecord, Result]]:
    wines = scored.wines
    pairs = []
    for record, record_ts_ms, value in zip(wines.records, wines.record_ts_ms, scored.values, strict=True):
        message = ServingResult(
            data_type=wines.data_type,
            record_id=record_id(record),
            value=value,
            model_name=scored.model_name,
            record_ts=record_ts_ms,
            scored_ts=scored.scored_ts_ms,
            duration_ms=scored.duration_ms,
            source_partition=record.partition,
            source_offset=record.offset,
        )
        pairs.append((record, Result(record.partition, record.key, message.SerializeToString())))
    return pairs
