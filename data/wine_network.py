"""A dense network whose training has one right answer, so that every processor comes to the same numbers."""

import itertools
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from data.network_graph import Layer
from model.features import WINE, Features, Values

SCALE = 11
"""The tasters' scale, 0 to 10 (Cortez et al. 2009): one output for each quality, also those that no wine got."""

WIDTHS = (len(WINE), 64, 32)


class WineNetwork:
    """Two hidden layers of fixed random weights (Relu), and an output layer fitted by least squares (Sigmoid).

    Descent by gradients would end elsewhere on another processor: its path depends on the last bits of sums.
    """

    def __init__(self, seed: int) -> None:
        """Draw the hidden layers, for standardised features."""
        random = np.random.default_rng(seed)
        self._hidden = [
            (random.normal(size=(taken, width)) / np.sqrt(taken), random.normal(size=width) / 2)
            for taken, width in itertools.pairwise(WIDTHS)
        ]
        self.classes_ = np.arange(SCALE)

    def fit(self, features: Features, quality: Values) -> Self:
        """Fit the output layer to 1 for a wine's quality and -1 for all others."""
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        kernel, bias = self._hidden[0]
        # The standardisation becomes part of the first layer.
        self._hidden[0] = (kernel / deviation[:, None], bias - (mean / deviation) @ kernel)
        targets = np.where(quality[:, None] == self.classes_, 1.0, -1.0)
        last = Ridge(alpha=1.0).fit(self._last_hidden(features), targets)
        layers = [*self._hidden, (last.coef_.T, last.intercept_)]
        self.layers: list[Layer] = [
            (_round(kernel), _round(bias), operator)
            for (kernel, bias), operator in zip(layers, ("Relu", "Relu", "Sigmoid"), strict=True)
        ]
        return self

    def predict(self, features: Features) -> NDArray[np.int64]:
        """The quality with the largest output, from the rounded numbers; Sigmoid would not change the order."""
        values: NDArray[np.float64] = features
        for kernel, bias, operator in self.layers:
            values = values @ kernel.astype(np.float64) + bias
            values = np.maximum(values, 0) if operator == "Relu" else values
        qualities: NDArray[np.int64] = values.argmax(axis=1)
        return qualities

    def _last_hidden(self, features: Features) -> NDArray[np.float64]:
        values = features
        for kernel, bias in self._hidden:
            values = np.maximum(values @ kernel + bias, 0)
        return values


def _round(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cut to what every processor agrees on."""
    return np.array([float(f"{number:.5g}") for number in numbers.ravel()], dtype=np.float32).reshape(numbers.shape)
