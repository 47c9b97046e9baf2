"""The fields that a model reads and the one that it predicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.features import WINE
from model.inputs import columns_of
from model.pmml.reading import NUMBER, NotCompilable, choice_of, number_of, of_kind, only, opened, text_of

DATA_FIELD = frozenset({"name", "optype", "dataType", "displayName"})
MINING_FIELD = frozenset({"name", "usageType", "importance"})
TARGETS = ("target", "predicted")
LABEL_TYPES = frozenset({"integer", "float", "double", "string"})


@dataclass(frozen=True, slots=True)
class Fields:
    """What a model's mining schema says, as far as it is known here."""

    columns: Mapping[str, int]
    """By input: its column in ``model.features.WINE``."""
    target: str
    labels: Mapping[float, int]
    """By a classifier's label: its place in the data dictionary; empty where that lists none."""
    rounded: NDArray[np.bool_]
    """Shape (11,): the columns that the model has as float; PMML calculates with their numbers in float32."""

    def column(self, element: Element, attribute: str) -> int:
        """The column of the input that the element names.

        Raises:
            NotCompilable: the name is none of the inputs'.
        """
        name = text_of(element, attribute)
        if name not in self.columns:
            raise NotCompilable("calculates with a field that is none of its inputs")
        return self.columns[name]

    def label(self, element: Element, attribute: str) -> float:
        """The label in an element's attribute.

        Raises:
            ValueError: it is no number, or none of the target's values.
        """
        label = _label(text_of(element, attribute))
        if self.labels and label not in self.labels:
            raise ValueError(f"gives label {label:g}, which is none of its target's values")
        return label

    def boundary(self, column: int, value: float) -> float:
        """``value`` as this column's numbers are compared with it."""
        with np.errstate(over="ignore"):
            return float(np.float32(value)) if self.rounded[column] else value


def fields_of(dictionary: Element, schema: Element, classifies: bool) -> Fields:
    """The fields of a document's model.

    Raises:
        NotCompilable: a field is treated in a way, or is of a kind, that is not known here.
        ValueError: an input that no record has, or a label that is no number.
    """
    declared = {text_of(field, "name"): field for field in dictionary if "name" in field.attrib}
    inputs, targets = mining_fields(schema)
    if len(targets) != 1:
        raise NotCompilable(f"has {len(targets) or 'no'} targets")
    if unknown := [name for name in (*inputs, *targets) if name not in declared]:
        raise ValueError(f"has no DataField for its MiningField {unknown[0]!r}")
    columns = dict(zip(inputs, columns_of(inputs), strict=True))
    rounded = np.zeros(len(WINE), dtype=np.bool_)
    for name, column in columns.items():
        rounded[column] = _is_float(declared[name])
    if len(set(columns.values())) != len(columns):
        raise NotCompilable("has one feature under two names")
    return Fields(columns, targets[0], _labels(declared[targets[0]], classifies), rounded)


def mining_fields(schema: Element) -> tuple[list[str], list[str]]:
    """The names of the inputs and of the targets.

    Raises:
        NotCompilable: a field has another use, or a treatment such as that of outliers or missing values.
    """
    inputs: list[str] = []
    targets: list[str] = []
    for field in of_kind(opened(schema, frozenset(), {"MiningField"}), "MiningField"):
        opened(field, MINING_FIELD)
        use = choice_of(field, "usageType", {"active", *TARGETS}, "active")
        (targets if use in TARGETS else inputs).append(text_of(field, "name"))
    return inputs, targets


def _is_float(field: Element) -> bool:
    opened(field, DATA_FIELD)
    choice_of(field, "optype", {"continuous"})
    return choice_of(field, "dataType", {"float", "double"}) == "float"


def _labels(field: Element, classifies: bool) -> dict[float, int]:
    values = [value for _, value in opened(field, DATA_FIELD, {"Value"} if classifies else frozenset())]
    choice_of(field, "optype", {"categorical", "ordinal"} if classifies else {"continuous"})
    choice_of(field, "dataType", LABEL_TYPES if classifies else {"double"})
    for value in values:
        opened(value, {"value", "displayValue"})
    labels = {_label(text_of(value, "value")): place for place, value in enumerate(values)}
    if len(labels) != len(values):
        raise NotCompilable("has labels that are equal as numbers")
    return labels


def _label(text: str) -> float:
    if not NUMBER.fullmatch(text) or not np.isfinite(float(text)):
        raise ValueError(f"gives labels such as {text[:40]!r}; only labels that are numbers are served")
    return float(text)


def rescaling(parts: list[tuple[str, Element]], target: str) -> tuple[float, float]:
    """Factor and summand for what a regression gives: (1, 0) where the document does not name any.

    Raises:
        NotCompilable: the target is treated in another way, too.
    """
    if not of_kind(parts, "Targets"):
        return 1.0, 0.0
    element = only(opened(only(parts, "Targets"), frozenset(), {"Target"}), "Target")
    opened(element, {"field", "optype", "rescaleFactor", "rescaleConstant"})
    choice_of(element, "field", {target})
    return number_of(element, "rescaleFactor", 1.0), number_of(element, "rescaleConstant", 0.0)
