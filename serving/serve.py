"""From a batch of records to what becomes of each: a score, a dead letter, or a skip. The same for all variants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from model.serving_state import Scores, ServingState
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


Scorer = Callable[[WineBatch], Scores]
"""What a variant brings: find the data type's state, wherever that lives, call ``score``, and keep the next one."""


def score(
    state: ServingState, wines: WineBatch, next_offsets: Mapping[int, int] | None = None
) -> tuple[ServingState, Scores]:
    """The next state, and what a batch of its data type got.

    Args:
        next_offsets: by partition, where the records begin that this state has not counted yet; those before it are
            scored again, as at-least-once demands, and not counted again. None: all are new.
    """
    unfit = wines.unfit if next_offsets is None else [each for each in wines.unfit if is_new(each, next_offsets)]
    state = state.reject(len(unfit))
    if not wines.records:
        return state, Scores(None, None, 0.0)
    if next_offsets is None:
        return state.score(wines.features)
    return state.score(wines.features, uncounted=np.array([is_new(each, next_offsets) for each in wines.records]))


def is_new(record: RawRecord, next_offsets: Mapping[int, int]) -> bool:
    """Whether a record has not been counted before."""
    return record.offset >= next_offsets.get(record.partition, 0)


def serve(records: Sequence[RawRecord], scorer: Scorer, now_ms: Callable[[], int]) -> ServedBatch:
    """Decode a batch, score it by data type with one call each, and sort out what has no score."""
    batches, rejected = decode(records)
    scored: list[ScoredWines] = []
    skipped: list[WineBatch] = []
    for wines in batches:
        scores = scorer(wines)
        if not wines.records:
            continue
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
