"""From the published statistics of the real wines to a Gaussian copula whose wines show the same statistics.

A wine is twelve correlated standard normal numbers z (eleven features and the quality label). Three things are
calibrated, all in closed form on a grid of z:

- *Marginals.* Column j has the value Q_j(Phi(z)), Q_j being the quantile function. Between the table's 41 quantiles
  it is linear; the outermost 2.5 % at both ends, where wines are rare and far apart, bend with one power, chosen so
  that the column's standard deviation is the table's.
- *Ties.* Values are rounded as the real table's are, so that many wines tie, most of all in quality (six values).
  Spearman's correlation is Pearson's between mid-ranks g_j(z), and these are step functions of z.
- *Correlations.* Mehler's formula: for z_i, z_j with correlation r, corr(g_i, g_j) = sum over k of a_ik a_jk r^k, where
  a_jk are the Hermite coefficients of the standardised g_j. It grows with r, so bisection finds the r whose *observed*
  rank correlation is the table's.

Sources: Cario and Nelson 1997, "Modeling and generating random vectors with arbitrary marginal distributions and
correlation matrix" (the method); ``data/wine-statistics.json`` (the figures).
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features import WINE

Array = NDArray[np.float64]

STATISTICS = Path(__file__).resolve().parents[2] / "data" / "wine-statistics.json"
"""Quantiles, mean, standard deviation and Spearman matrix of the 1,599 red wines; ``data/README.md`` has its source."""

DECIMALS = dict(zip(WINE, (1, 2, 2, 1, 3, 0, 0, 5, 2, 2, 1), strict=True))
"""To how many decimals the real table gives almost every value of a feature."""

GRID: Array = np.linspace(-6.0, 6.0, 4001)
"""The z at which columns are tabulated; beyond it lie 2 wines in a thousand million."""


@dataclass(frozen=True, slots=True, eq=False)
class Copula:
    """How to turn standard normal numbers of shape (n, 12) into wines."""

    mixing: Array  # (12, 12): normal @ mixing has the latent correlations
    values: Array  # (11, len(GRID)): each feature's value at each z, not rounded
    quality_bounds: Array  # z above which the next label begins
    labels: Array  # one more than bounds

    def quality(self, z: Array) -> Array:
        """The labels of wines whose last latent number is z, shape (n,)."""
        labels: Array = self.labels[np.searchsorted(self.quality_bounds, z)]
        return labels


def copula(path: Path = STATISTICS) -> Copula:
    """Read the statistics and calibrate (30 ms)."""
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    weights = np.exp(-GRID * GRID / 2)
    weights /= weights.sum()
    levels = np.cumsum(weights) - weights / 2
    probabilities = np.array(table["probabilities"])
    values = np.array(
        [
            _marginal(levels, weights, probabilities, np.array(table["quantiles"][name]), table["std"][name])
            for name in WINE
        ]
    )
    counts = np.array(list(table["quality_counts"].values()), dtype=np.float64)
    bounds = np.interp(np.cumsum(counts)[:-1] / counts.sum(), levels, GRID)
    labels = np.array([float(label) for label in table["quality_counts"]])
    quality = labels[np.searchsorted(bounds, GRID)]

    rounded = [np.round(column, DECIMALS[name]) for name, column in zip(WINE, values, strict=True)]
    coefficients = np.array([_hermite_coefficients(column, weights) for column in [*rounded, quality]])
    latent = _latent_correlations(coefficients, np.array(table["spearman"]))
    mixing = np.linalg.cholesky(latent).T.astype(np.float64)
    return Copula(mixing, values, bounds, labels)


def _marginal(levels: Array, weights: Array, probabilities: Array, quantiles: Array, std: float) -> Array:
    inner = np.interp(levels, probabilities, quantiles)
    low, high = levels < probabilities[1], levels > probabilities[-2]
    depth_low = 1 - levels[low] / probabilities[1]
    depth_high = (levels[high] - probabilities[-2]) / (1 - probabilities[-2])

    def bent(power: float) -> Array:
        column: Array = inner.copy()
        column[low] = quantiles[1] - (quantiles[1] - quantiles[0]) * depth_low**power
        column[high] = quantiles[-2] + (quantiles[-1] - quantiles[-2]) * depth_high**power
        return column

    def wider_than_real(power: float) -> bool:
        column = bent(power)
        return float(weights @ (column - weights @ column) ** 2) > std**2

    least, most = 1.0, 50.0  # straight, and nearly a spike
    for _ in range(30):
        power = (least + most) / 2
        least, most = (power, most) if wider_than_real(power) else (least, power)
    return bent(most)


def _hermite_coefficients(column: Array, weights: Array, order: int = 24) -> Array:
    """a_1 ... a_order of the column's standardised mid-ranks; 24 terms leave less than 0.001 at |r| <= 0.85."""
    _, position = np.unique(column, return_inverse=True)
    mass = np.bincount(position, weights=weights)
    ranks = (np.cumsum(mass) - mass / 2)[position]
    ranks -= weights @ ranks
    ranks /= math.sqrt(weights @ ranks**2)
    polynomials = [np.ones_like(GRID), GRID]  # orthonormal under the normal density
    for k in range(1, order):
        polynomials.append((GRID * polynomials[k] - math.sqrt(k) * polynomials[k - 1]) / math.sqrt(k + 1))
    coefficients: Array = np.array(polynomials[1:]) @ (weights * ranks)
    return coefficients


def _latent_correlations(coefficients: Array, observed: Array) -> Array:
    terms = coefficients[:, None, :] * coefficients[None, :, :]
    low, high = -np.ones_like(observed), np.ones_like(observed)
    for _ in range(40):
        latent = (low + high) / 2
        total = np.zeros_like(latent)
        for k in reversed(range(terms.shape[-1])):  # Horner
            total = (total + terms[:, :, k]) * latent
        below = total < observed
        low, high = np.where(below, latent, low), np.where(below, high, latent)
    np.fill_diagonal(high, 1.0)
    return high
