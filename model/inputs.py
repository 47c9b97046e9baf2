"""What the model formats share: which feature a model's named input is, and wines to try a new model on."""

from collections.abc import Sequence

import numpy as np

from model.features import WINE, Features

TYPICAL: Features = np.array(
    [
        [7.1, 0.39, 0.09, 1.9, 0.070, 7.0, 22.0, 0.9956, 3.21, 0.55, 9.5],
        [7.9, 0.52, 0.26, 2.2, 0.079, 14.0, 38.0, 0.99675, 3.31, 0.62, 10.2],
        [9.2, 0.64, 0.42, 2.6, 0.090, 21.0, 62.0, 0.997835, 3.40, 0.73, 11.1],
    ]
)
"""Three wines: lower quartile, median and upper quartile of every feature (``data/wine-statistics.json``)."""


def columns_of(inputs: Sequence[str]) -> list[int]:
    """The column of each input in ``WINE``; spaces, as in the names of UCI's file, count as underscores.

    Raises:
        ValueError: an input that no record can give; the text names it.
    """
    names = [name.replace(" ", "_") for name in inputs]
    if unknown := [inputs[i] for i, name in enumerate(names) if name not in WINE]:
        raise ValueError(f"needs {', '.join(unknown)}, which no record has; records have {', '.join(WINE)}")
    return [WINE.index(name) for name in names]
