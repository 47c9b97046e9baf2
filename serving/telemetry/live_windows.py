"""Rates, a histogram and percentiles of the last seconds, in bounded memory.

Every window is made of whole seconds of the caller's clock: one of W seconds at time t begins at floor(t) - W.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.telemetry.live_snapshot import LiveHistogram


class ThinnedSamples:
    """The values number 0, stride, 2 * stride ... of all that came; ``stride`` doubles when they become too many."""

    def __init__(self, capacity: int) -> None:
        """Keep at most ``capacity`` samples, and at least half as many after the first ``capacity`` values."""
        self._capacity = capacity
        self._chunks: list[NDArray[np.float64]] = []
        self._kept = 0
        self._came = 0
        self._stride = 1

    def __len__(self) -> int:
        """How many samples are kept."""
        return self._kept

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in the next values, shape (n,), none of them NaN."""
        taken = values[-self._came % self._stride :: self._stride].copy()  # a view would keep all the values alive
        self._came += len(values)
        self._chunks.append(taken)
        self._kept += len(taken)
        while self._kept > self._capacity:
            self._chunks = [np.concatenate(self._chunks)[::2]]
            self._kept = len(self._chunks[0])
            self._stride *= 2

    def weighted(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The samples, and for how many values each of them stands; there must be one."""
        return np.concatenate(self._chunks), np.full(self._kept, float(self._stride))


HISTORY_S = 60
RATE_WINDOW_S = 3
LATENCY_WINDOW_S = 10
HISTOGRAM_WINDOW_S = 30
SAMPLES_PER_SECOND = 512  # latencies kept of one second, at most

EDGES = tuple(step / 2 for step in range(21))
"""The histogram's bins, 0 to 10. Source: Cortez et al. 2009, section 2.1 (a wine's quality is from 0 to 10)."""

_SLOT_STARTS = np.array([*EDGES[:-1], np.nextafter(EDGES[-1], np.inf)])  # the last bin is closed
_SLOTS = len(EDGES) + 1  # below the bins, the bins, above them


@dataclass(slots=True)
class _Second:
    count: int = 0
    slots: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_SLOTS, dtype=np.int64))
    latencies_ms: ThinnedSamples = field(default_factory=lambda: ThinnedSamples(SAMPLES_PER_SECOND))

    def add(self, values: NDArray[np.float64], latencies_ms: NDArray[np.float64]) -> None:
        self.count += len(values)
        self.slots += np.bincount(np.searchsorted(_SLOT_STARTS, values, side="right"), minlength=_SLOTS)
        self.latencies_ms.add(latencies_ms)


class LiveWindows:
    """Counts, scores and latencies by second; a second older than ``HISTORY_S`` is forgotten."""

    def __init__(self) -> None:
        self._first_s: float | None = None
        self._seconds: dict[int, _Second] = {}

    def add(self, values: NDArray[np.float64], latencies_ms: NDArray[np.float64], now_s: float) -> None:
        """Take in a batch: scores and end-to-end latencies, of shapes (n,) and (m,), n >= 1, m <= n, no NaN."""
        if self._first_s is None:
            self._first_s = now_s
        second = math.floor(now_s)
        if second not in self._seconds:
            self._seconds = {at: kept for at, kept in self._seconds.items() if at >= second - HISTORY_S}
            self._seconds[second] = _Second()
        self._seconds[second].add(values, latencies_ms)

    def records_per_s(self, now_s: float) -> float | None:
        """The rate over ``RATE_WINDOW_S``; None in the first second, when it would be a guess."""
        if self._first_s is None or now_s - self._first_s < 1:
            return None
        start_s = max(math.floor(now_s) - RATE_WINDOW_S, self._first_s)
        return sum(second.count for second in self._window(now_s, RATE_WINDOW_S)) / (now_s - start_s)

    def per_second(self, now_s: float) -> tuple[int, ...]:
        """The counts of the last ``HISTORY_S`` whole seconds, oldest first; none from before the first record."""
        if self._first_s is None:
            return ()
        this_second = math.floor(now_s)
        start = max(this_second - HISTORY_S, math.floor(self._first_s))
        empty = _Second()
        return tuple(self._seconds.get(at, empty).count for at in range(start, this_second))

    def histogram(self, now_s: float) -> LiveHistogram:
        """The scores of the last ``HISTOGRAM_WINDOW_S``, each counted."""
        slots = np.zeros(_SLOTS, dtype=np.int64)
        for second in self._window(now_s, HISTOGRAM_WINDOW_S):
            slots += second.slots
        below, *counts, above = slots.tolist()
        return LiveHistogram(edges=EDGES, counts=tuple(counts), below=below, above=above)

    def percentiles_ms(self, now_s: float) -> tuple[float, ...] | None:
        """The p50 and p99 of the latencies of the last ``LATENCY_WINDOW_S``: each one that a record really had."""
        return percentiles([second.latencies_ms for second in self._window(now_s, LATENCY_WINDOW_S)], 50, 99)

    def _window(self, now_s: float, length_s: int) -> Iterator[_Second]:
        start = math.floor(now_s) - length_s
        return (second for at, second in self._seconds.items() if at >= start)


def percentiles(parts: Sequence[ThinnedSamples], *percents: float) -> tuple[float, ...] | None:
    """Percentiles over all parts together, each one a value that really came; None where nothing did."""
    weighted = [part.weighted() for part in parts if len(part)]
    if not weighted:
        return None
    samples, weights = (np.concatenate(column) for column in zip(*weighted, strict=True))
    return tuple(np.percentile(samples, percents, weights=weights, method="inverted_cdf").tolist())
