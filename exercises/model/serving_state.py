"""The serving rule, once for all variants: what a state becomes when a model or a batch of records arrives."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelClosed
from model.features import Features, Values
from model.model import LoadedModel, Model


@dataclass(frozen=True, slots=True)
class Scores:
    """What a batch of n records got."""

    values: Values | None  # shape (n,), NaN where the model had no answer; None while no model has arrived
    model_name: str | None
    duration_ms: float  # each record's share of the batch; not whole ms: a fast model would always read 0


@dataclass(frozen=True, slots=True)
class ServingState:
    """The active model of one data type, and its counters; every change gives the next state.

    ``usage`` and the durations belong to the active model; ``skipped`` and ``dead_letters`` to the data type.
    """

    data_type: str
    model: LoadedModel | None = None
    since_ms: int | None = None  # epoch ms
    usage: int = 0  # records scored
    duration_ms: float = 0.0  # summed over these records
    min_ms: float | None = None
    max_ms: float | None = None
    skipped: int = 0
    dead_letters: int = 0

    def accept(self, model: LoadedModel, now_ms: int) -> Self:
        """The state in which ``model`` is active; the holder of this state closes the model that it replaces."""
        return replace(self, model=model, since_ms=now_ms, usage=0, duration_ms=0.0, min_ms=None, max_ms=None)

    def reject(self, records: int) -> Self:
        """The state after ``records`` of this data type went to the dead-letter topic without a try at scoring."""
        return replace(self, dead_letters=self.dead_letters + records)

    def score(
        self,
        features: Features,
        clock_s: Callable[[], float] = time.perf_counter,
        uncounted: NDArray[np.bool_] | None = None,
    ) -> tuple[Self, Scores]:
        """The next state, and what each record of the batch got.

        Args:
            features: shape (n, 11), n >= 1; the model sees the whole batch in one call.
            clock_s: a monotonic clock.
            uncounted: shape (n,); a record for which it is False is scored like every other, but was counted when it
                came for the first time. None: all are new.
        Raises:
            ModelClosed: the model was closed before this call or during it.
        """
        n = len(features)
        # exercise[st-1]: say how many records are new; without a model, skip the batch, and never guess a score
        raise NotImplementedError("exercise st-1")
        # end[st-1]
        started_s = clock_s()
        values = _score(self.model.model, features)
        share_ms = (clock_s() - started_s) * 1000 / n
        finite = np.isfinite(values)
        scored = int((finite if uncounted is None else finite & uncounted).sum())
        return self._used(scored, new - scored, share_ms), Scores(values, self.model.name, share_ms)

    def _used(self, scored: int, failed: int, share_ms: float) -> Self:
        if not scored:
            return self.reject(failed)
        return replace(
            self,
            usage=self.usage + scored,
            duration_ms=self.duration_ms + scored * share_ms,
            min_ms=share_ms if self.min_ms is None else min(self.min_ms, share_ms),
            max_ms=share_ms if self.max_ms is None else max(self.max_ms, share_ms),
            dead_letters=self.dead_letters + failed,
        )


def _score(model: Model, features: Features) -> Values:
    try:
        return _finite(model.score(features), len(features))
    except ModelClosed:  # no fault of the records
        raise
    except Exception:  # noqa: BLE001 - what a model can raise is its own; one bad record must not cost its whole batch
        if len(features) == 1:
            return np.array([np.nan])
        return np.concatenate([_score(model, record) for record in features[:, None, :]])


def _finite(values: Values, n: int) -> Values:
    if values.shape != (n,):
        raise ValueError(f"{n} records gave scores of shape {values.shape}")
    return np.where(np.isfinite(values), values, np.nan)
