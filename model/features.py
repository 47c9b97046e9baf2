"""The features of a wine: their names, their order, and the shape of a batch.

Source: Cortez, Cerdeira, Almeida, Matos, Reis 2009, "Modeling wine preferences by data mining from physicochemical
properties", Decision Support Systems 47(4), Table 1.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

WINE = (
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
)
"""The columns of every feature matrix, in the order of ``WineRecord``'s field numbers."""

Features: TypeAlias = NDArray[np.float64]
"""A batch of shape (n, 11), columns in the order of ``WINE``; every number finite."""

Values: TypeAlias = NDArray[np.float64]
"""The scores of a batch, shape (n,); a classifier's are its labels as numbers."""
