"""Percentiles of a long stream in bounded memory: every value, then every 2nd, every 4th, ... of what came."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class ThinnedSamples:
    """The values number 0, stride, 2 * stride ... of all that came; ``stride`` doubles when they become too many."""

    def __init__(self, capacity: int) -> None:
        """Keep at most ``capacity`` samples, and at least half as many once so many values have come."""
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
            self._kept, self._stride = len(self._chunks[0]), self._stride * 2

    def weighted(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The samples, and for how many values each of them stands; there must be one."""
        return np.concatenate(self._chunks), np.full(self._kept, float(self._stride))


def percentiles(parts: Sequence[ThinnedSamples], *percents: float) -> tuple[float, ...] | None:
    """Percentiles over all parts together, each one a value that really came; None where nothing did."""
    weighted = [part.weighted() for part in parts if len(part)]
    if not weighted:
        return None
    samples, weights = (np.concatenate(column) for column in zip(*weighted, strict=True))
    return tuple(np.percentile(samples, percents, weights=weights, method="inverted_cdf").tolist())
