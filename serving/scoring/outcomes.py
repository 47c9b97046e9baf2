"""From a batch of records to the outcome of each: scored, rejected or skipped. The same for all variants."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model.features import Values
from model.serving_state import Scores, ServingState
from serving.scoring.records import RawRecord, RejectedRecord, WineBatch, decode


@dataclass(frozen=True, slots=True)
class ScoredWines:
    """The n >= 1 scored records of one data type; ``values`` holds a finite number for each."""

    wines: WineBatch
    values: Values  # shape (n,)
    model_name: str
    duration_ms: float  # each record's share
    scored_ts_ms: int  # epoch ms


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcomes of a batch: each of its records is in exactly one of the three lists."""

    records: Sequence[RawRecord]
    scored: Sequence[ScoredWines]
    rejected: Sequence[RejectedRecord]
    skipped: Sequence[WineBatch]


Scorer = Callable[[WineBatch], Scores]
"""What a variant brings: find the data type's state in its place, call ``score_wines``, keep the next state."""


def score_wines(
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


def score_batch(records: Sequence[RawRecord], scorer: Scorer, now_ms: Callable[[], int]) -> BatchOutcome:
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
        if finite.any():
            scored.append(ScoredWines(wines, scores.values[finite], scores.model_name, scores.duration_ms, now_ms()))
    return BatchOutcome(records, scored, rejected, skipped)


def epoch_ms() -> int:
    """Now, as the messages carry it."""
    return time.time_ns() // 1_000_000
