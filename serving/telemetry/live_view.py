"""What is being scored, by which model and how fast: takes every scored batch, and answers who asks."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.telemetry.live_snapshot import LiveModel, LiveScore, LiveSnapshot, LiveSwap
from serving.telemetry.live_windows import LiveWindows

LAST_SCORES = 8
LAST_SWAPS = 8
MOST_DATA_TYPES = 16
MAX_LATENCY_MS = 24 * 60 * 60 * 1000
SETTLING_S = 1.0
"""A model replaced less than this ago that scores again is a straggler (results of several partitions overtake one
another), not a swap back."""


@dataclass(slots=True)
class _InForce:
    """The model of one data type, and those it has just taken over from."""

    name: str
    since_s: float
    replaced_at_s: dict[str, float] = field(default_factory=dict)

    def is_replaced_by(self, name: str, now_s: float) -> bool:
        self.replaced_at_s = {old: at_s for old, at_s in self.replaced_at_s.items() if now_s - at_s < SETTLING_S}
        return name != self.name and name not in self.replaced_at_s

    def swap_to(self, name: str, now_s: float) -> None:
        self.replaced_at_s[self.name] = now_s
        self.name = name
        self.since_s = now_s


def latencies_ms(submitted_ms: NDArray[np.int64], now_ms: float) -> NDArray[np.float64]:
    """From submission to now, of the records that were submitted within ``MAX_LATENCY_MS``, shape (m,), m <= n.

    Other records are left out: their time stamps are a stranger's numbers, or of old data, and one of them would
    dominate each sum and each percentile. A producer's clock that is ahead of ours makes a latency of 0.
    """
    latencies = now_ms - submitted_ms.astype(np.float64)
    return np.maximum(latencies[np.abs(latencies) <= MAX_LATENCY_MS], 0.0)


class LiveView:
    """A bounded memory of the last scores, for the live page and the demo; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._windows = LiveWindows()
        self._in_force: dict[str, _InForce] = {}  # by data type, the one that scored last at the end
        self._last_scores: deque[LiveScore] = deque(maxlen=LAST_SCORES)
        self._swap_count = 0
        self._swaps: deque[tuple[float, str, str, str]] = deque(maxlen=LAST_SWAPS)

    def observe(
        self,
        model_name: str,
        record_ids: Sequence[str],
        values: NDArray[np.float64],
        latencies_ms: NDArray[np.float64],
        *,
        now_s: float,
        data_type: str = "",
    ) -> None:
        """Take in a batch that one model scored; an empty one changes nothing.

        Args:
            record_ids: in the order of ``values``; those of the last ``LAST_SCORES`` records will do.
            values: the scores, shape (n,), none of them NaN.
            latencies_ms: from submission to now, shape (n,), or fewer: those that are to count.
            now_s: a monotonic clock, the same one at every call.
            data_type: whose model it is; each data type has its own model and its own swaps.
        """
        if len(values) == 0:
            return
        latest = zip(record_ids[-LAST_SCORES:], values[-LAST_SCORES:].tolist(), strict=True)
        scores = [LiveScore(record_id, value, model_name, data_type) for record_id, value in latest]
        with self._lock:
            self._total += len(values)
            self._windows.add(values, latencies_ms, now_s)
            self._last_scores.extend(scores)
            self._note_model(data_type, model_name, now_s)

    def snapshot(self, now_s: float) -> LiveSnapshot:
        """The view at ``now_s``, on the clock given to ``observe``."""
        with self._lock:
            p50_ms, p99_ms = self._windows.percentiles_ms(now_s) or (None, None)
            return LiveSnapshot(
                models=tuple(
                    LiveModel(data_type, model.name, now_s - model.since_s)
                    for data_type, model in reversed(self._in_force.items())
                ),
                total=self._total,
                records_per_s=self._windows.records_per_s(now_s),
                per_second=self._windows.per_second(now_s),
                last_scores=tuple(reversed(self._last_scores)),
                histogram=self._windows.histogram(now_s),
                swap_count=self._swap_count,
                swaps=tuple(LiveSwap(kind, old, new, now_s - at_s) for at_s, kind, old, new in reversed(self._swaps)),
                p50_ms=p50_ms,
                p99_ms=p99_ms,
            )

    def _note_model(self, data_type: str, name: str, now_s: float) -> None:
        model = self._in_force.pop(data_type, None)
        if model is None:
            model = _InForce(name, now_s)
        elif model.is_replaced_by(name, now_s):
            self._swap_count += 1
            self._swaps.append((now_s, data_type, model.name, name))
            model.swap_to(name, now_s)
        self._in_force[data_type] = model
        if len(self._in_force) > MOST_DATA_TYPES:
            del self._in_force[next(iter(self._in_force))]
