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
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelUnfit("is no JSON that can be read", REMEDY, str(error)) from error
    if not isinstance(document, dict) or document.keys() != {"intercept", "coefficients"}:
        raise ModelUnfit("is no object with an intercept, coefficients, and nothing else", REMEDY)
    intercept, coefficients = document["intercept"], document["coefficients"]
    if not isinstance(coefficients, dict):
        raise ModelUnfit("has coefficients without the names of features", REMEDY)
    for name, number in [("intercept", intercept), *coefficients.items()]:
        if type(number) not in (int, float) or not abs(number) <= MAX:  # NaN is not; bool is a kind of int
            raise ModelUnfit(f"has {name!r} that is no finite number", REMEDY)
    weights = np.zeros(len(WINE))
    weights[columns_of(list(coefficients))] = list(coefficients.values())
    # end[al-4]
    return LinearModel(float(intercept), weights)
