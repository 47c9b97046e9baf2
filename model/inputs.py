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

STEPS = 23  # prime, so that a feature's steps do not come again within as many wines


def trial_wines() -> Features:
    """The typical wines, and 20 more that have each feature from another place between the quartiles.

    Together 23: no size that an author would fix a batch at, and no multiple of anything. The parts of sulfur dioxide
    are whole, as they are in nearly all real wines: a model may have them as integers.
    """
    columns = np.arange(len(WINE))
    steps = (np.arange(STEPS - len(TYPICAL))[:, None] * (columns + 1) + 3 * columns) % STEPS
    mixed = TYPICAL[0] + steps / (STEPS - 1) * (TYPICAL[2] - TYPICAL[0])
    whole = [WINE.index("free_sulfur_dioxide"), WINE.index("total_sulfur_dioxide")]
    mixed[:, whole] = mixed[:, whole].round()
    return np.concatenate([TYPICAL, mixed])


def columns_of(inputs: Sequence[str]) -> list[int]:
    """The column of each input in ``WINE``; spaces, as in the names of UCI's file, count as underscores.

    Raises:
        ValueError: an input that no record can give; the text names it.
    """
    names = [name.replace(" ", "_") for name in inputs]
    if unknown := [inputs[i] for i, name in enumerate(names) if name not in WINE]:
        raise ValueError(f"needs {', '.join(unknown)}, which no record has; records have {', '.join(WINE)}")
    return [WINE.index(name) for name in names]
