"""Wines to publish: the interface of a source, the generated source, and the messages."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.wines import statistics as wine_statistics
from model.errors import ServingError
from model.features import WINE, Features
from protobufs.wine_record_pb2 import WineRecord


@dataclass(frozen=True, slots=True, eq=False)
class Wines:
    """A batch of n wines; ``quality`` is the testers' label, shape (n,), None where the source has none."""

    features: Features  # shape (n, 11), columns in model.features.WINE order
    quality: NDArray[np.float64] | None


class WineSource(Protocol):
    """An unlimited stream of wines."""

    def batch(self, n: int, hours: float = 0.0) -> Wines:
        """The next n wines of the stream, n >= 1.

        Args:
            n: how many.
            hours: how long the stream has been running, for sources that drift.
        """
        ...


class DriftRejected(ServingError):
    """A drift that no wine can follow."""

    def __init__(self, feature: str, reason: str) -> None:
        super().__init__(f"drift of {feature!r}: {reason}")


class GeneratedWines:
    """Wines that never were, distributed like the real ones: same marginals, same Spearman rank correlations.

    A Gaussian copula: twelve correlated normal numbers per wine, each read as a quantile of its column. The same seed
    gives the same wines, however they are cut into batches.

    Source: ``data/wine-statistics.json``; the calibration is explained in ``client.wines.statistics``.
    """

    # Wines are made in blocks of one size, because a matrix product of another shape may differ in its last bits.
    BLOCK = 1000

    def __init__(self, seed: int = 0, drift: Mapping[str, float] | None = None) -> None:
        """Calibrate (30 ms) and wait for the first ``batch``.

        Args:
            seed: 0 or more.
            drift: feature name to amount added per hour, in the feature's unit; no feature falls below 0 by it.
        Raises:
            DriftRejected: an unknown feature, or an amount that is not finite.
        """
        self._drift = _drift_per_hour(drift or {})
        self._random = np.random.default_rng(seed)
        self._copula = wine_statistics.copula()
        self._left = np.empty((0, len(WINE) + 1))

    def batch(self, n: int, hours: float = 0.0) -> Wines:
        """The next n wines; without drift every value is within the real wines' range. See ``WineSource.batch``."""
        parts = []
        while n > 0:
            if len(self._left) == 0:
                self._left = self._block()
            parts.append(self._left[:n])
            n -= len(parts[-1])
            self._left = self._left[len(parts[-1]) :]
        wines = np.concatenate(parts)
        return Wines(_measured(wines[:, :-1] + hours * self._drift), wines[:, -1])

    def _block(self) -> NDArray[np.float64]:
        """Features that are not yet rounded, and in the last column the quality."""
        normal = self._random.standard_normal((self.BLOCK, len(WINE) + 1)) @ self._copula.mixing
        columns = [
            np.interp(normal[:, column], wine_statistics.GRID, values)
            for column, values in enumerate(self._copula.values)
        ]
        return np.column_stack([*columns, self._copula.quality(normal[:, -1])])


def wine_records(wines: Wines, data_type: str, ts_ms: int) -> list[bytes]:
    """One serialized ``WineRecord`` per wine, without its quality: that is what the models are to find out.

    Args:
        wines: n wines.
        data_type: which model is to score them, such as ``wine``.
        ts_ms: the time of submission, epoch milliseconds.
    """
    return [
        WineRecord(**dict(zip(WINE, row, strict=True)), dataType=data_type, ts=ts_ms).SerializeToString()
        for row in wines.features.tolist()
    ]


def _drift_per_hour(drift: Mapping[str, float]) -> NDArray[np.float64]:
    for feature, amount in drift.items():
        if feature not in WINE:
            raise DriftRejected(feature, f"no such feature; choose from {', '.join(WINE)}")
        if not math.isfinite(amount):
            raise DriftRejected(feature, f"{amount} per hour is not finite; give a number such as 0.1")
    return np.array([drift.get(feature, 0.0) for feature in WINE])


def _measured(features: Features) -> Features:
    """What a laboratory would write down: nothing below zero, and no more decimals than the real table has."""
    features = np.maximum(features, 0.0)
    # Free is a part of total, but the copula knows ranks only, and in 0.8 % of its wines free would be the larger.
    free, total = WINE.index("free_sulfur_dioxide"), WINE.index("total_sulfur_dioxide")
    features[:, total] = np.maximum(features[:, total], features[:, free])
    scale = 10.0 ** np.array([wine_statistics.DECIMALS[feature] for feature in WINE])
    rounded: Features = np.round(features * scale) / scale
    return rounded
