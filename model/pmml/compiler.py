"""PMML compiled to numpy: a model becomes arrays, and a batch is scored by a few operations on the whole of it.

Known are regressions, general regressions, single trees, forests by average, weighted average and sum, and dense
networks, each over fields that are nothing but numbers. Everything else in a document is ``NotCompilable``, down to
attributes that nobody has thought of: no score is ever made of half-understood rules.

A field of type float is rounded to float32 before anything is calculated with it, and so is what it is compared with:
that is what its type says, what JPMML's evaluator does, and what scikit-learn did when it trained the tree. PMML4S
calculates in double; the two differ where a number and a boundary are less than such a rounding apart.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.features import Features, Values
from model.pmml.fields import Fields, fields_of, rescaling
from model.pmml.network import network
from model.pmml.reading import MODEL, Calculation, NotCompilable, Parts, choice_of, of_kind, only, opened
from model.pmml.regression import general_regression, regression
from model.pmml.segments import TREE, forest, single_tree

VERSIONS = frozenset({"4.0", "4.1", "4.2", "4.3", "4.4"})
NOT_FOR_SCORING = ("Header", "MiningBuildTask")
"""How the document came about. Source: PMML 4.4, "General Structure"."""

OUTPUT_FIELD = frozenset({"name", "displayName", "optype", "dataType", "feature", "value"})
OUTPUTS = frozenset({"predictedValue", "probability"})
"""What an Output may ask for besides: it is not asked for here."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model, and what may stand in its element besides what may stand in each model's."""

    functions: Set[str]
    attributes: Set[str]
    children: Set[str]
    calculation: Callable[[Element, Parts, Fields], Calculation]


BOTH = frozenset({"regression", "classification"})
KINDS = {
    "RegressionModel": Kind(
        {"regression"}, {"modelType", "targetFieldName", "normalizationMethod"}, {"RegressionTable"}, regression
    ),
    "GeneralRegressionModel": Kind(
        {"regression"},
        {"modelType", "linkFunction", "linkParameter", "distribution", "distParameter"},
        {"ParameterList", "FactorList", "CovariateList", "PPMatrix", "ParamMatrix"},
        general_regression,
    ),
    "TreeModel": Kind(BOTH, TREE, {"Node"}, single_tree),
    "MiningModel": Kind(BOTH, frozenset(), {"Segmentation"}, forest),
    "NeuralNetwork": Kind(
        BOTH,
        {"activationFunction", "normalizationMethod", "numberOfLayers"},
        {"NeuralInputs", "NeuralLayer", "NeuralOutputs"},
        network,
    ),
}


class CompiledModel:
    """A PMML model as arrays; see ``model.model.Model``."""

    engine = "compiled to numpy"

    def __init__(self, calculation: Calculation, rounded: NDArray[np.bool_]) -> None:
        """``rounded``: the columns that are of type float in the document, shape (11,)."""
        self._calculation: Calculation | None = calculation
        self._rounded = rounded

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``; a record for which the model gives no value gets NaN.

        Raises:
            RuntimeError: the model has been closed.
        """
        if self._calculation is None:
            raise RuntimeError("this model has been closed; it cannot score any more")
        with np.errstate(all="ignore"):  # what is no number is seen by its value
            return self._calculation(np.where(self._rounded, features.astype(np.float32), features))

    def close(self) -> None:
        """See ``model.model.Model.close``."""
        self._calculation = None


def compiled(root: Element) -> CompiledModel:
    """The model of a document.

    Raises:
        NotCompilable: there is something in the document whose meaning is not known here exactly.
        ValueError: what is known is not sound: a number that is none, an attribute that is missing, an input that no
            record has, a label that is no number.
    """
    choice_of(root, "version", VERSIONS)
    parts = opened(root, root.attrib.keys(), {*NOT_FOR_SCORING, "DataDictionary", *KINDS})
    models = [(KINDS[kind], element) for kind, element in parts if kind in KINDS]
    if len(models) != 1:
        raise NotCompilable(f"has {len(models) or 'no'} models")
    kind, element = models[0]
    own = opened(element, MODEL | kind.attributes, {"MiningSchema", "Output", "Targets"} | kind.children)
    classifies = choice_of(element, "functionName", kind.functions) == "classification"
    choice_of(element, "isScorable", {"true"}, "true")
    fields = fields_of(only(parts, "DataDictionary"), only(own, "MiningSchema"), classifies)
    _check_outputs(own)
    factor, summand = rescaling(own, fields.target)
    if classifies and of_kind(own, "Targets"):
        raise NotCompilable("has Targets for labels")
    calculation = kind.calculation(element, own, fields)
    if (factor, summand) != (1.0, 0.0):
        return CompiledModel(lambda features: calculation(features) * factor + summand, fields.rounded)
    return CompiledModel(calculation, fields.rounded)


def _check_outputs(parts: Parts) -> None:
    for output in of_kind(parts, "Output"):
        for _, field in opened(output, frozenset(), {"OutputField"}):
            opened(field, OUTPUT_FIELD)
            choice_of(field, "feature", OUTPUTS, "predictedValue")
