"""A model format of one's own: a linear model in JSON, ``{"intercept": 1.5, "coefficients": {"alcohol": 0.36}}``.

To serve it, three lines are missing: a number of its own in ``ModelDescriptor.ModelType``, and ``linear_json`` with a
remedy in ``FORMATS`` and ``REMEDIES`` of ``model/registry.py``. The registry tries each model on typical wines.
"""

import json
import sys

import numpy as np

from model.errors import ModelClosed, ModelUnfit
from model.features import WINE, Features, Values
from model.inputs import columns_of

REMEDY = 'write {"intercept": NUMBER, "coefficients": {FEATURE: NUMBER, ...}}'
MAX = sys.float_info.max  # the largest number that is finite as a float


class LinearModel:
    """The intercept, plus each feature times its weight."""

    def __init__(self, intercept: float, weights: Values) -> None:
        """``weights``: shape (11,), in ``WINE``'s order."""
        self._intercept = intercept
        self._weights = weights
        self._is_closed = False

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``."""
        if self._is_closed:
            raise ModelClosed
        # Row by row: a matrix product may round a wine's sum otherwise in a batch of another size.
        scores: Values = self._intercept + (features * self._weights).sum(axis=1)
        return scores

    def close(self) -> None:
        """See ``model.model.Model.close``."""
        self._is_closed = True


def linear_json(content: bytes) -> LinearModel:
    """Make a model of a document's bytes, which can come from anyone.

    Raises:
        ValueError: it is no such document; the text says why, and a ``ModelUnfit`` also what to do.
    """
    # exercise[al-4]: read the document, refuse what is not as it must be, and make intercept and weights of it
    raise NotImplementedError("exercise al-4")
    # end[al-4]
    return LinearModel(float(intercept), weights)
