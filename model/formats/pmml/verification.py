"""ModelVerification: records that a document brings along, with the scores that its author's program gave them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from model.features import WINE, Features, Values
from model.formats.pmml.document import Document, kind_of
from model.inputs import TYPICAL

PRECISION = 1e-6
ZERO_THRESHOLD = 1e-16
"""What counts as equal where a VerificationField does not say. Source: PMML 4.4, "Model Verification"."""

MAX_ROWS = 1_000  # those after it are not read: a trial is no test run


@dataclass(frozen=True, slots=True)
class Verification:
    """Wines, and what the model must give each of them."""

    features: Features
    """Shape (n, 11); a feature that the rows do not give is that of a typical wine."""
    expected: Values
    field: str
    precision: float
    zero_threshold: float

    def fault(self, scores: Values) -> str | None:
        """The first row that does not hold; None if all do.

        Args:
            scores: what the model gives ``features``.
        """
        margins = np.maximum(np.abs(self.expected) * self.precision, self.zero_threshold)
        with np.errstate(invalid="ignore"):
            holds = np.abs(scores - self.expected) <= margins
        if holds.all():
            return None
        row = int(np.flatnonzero(~holds)[0])
        return (
            f"its ModelVerification does not hold: row {row + 1} says {self.field} = {self.expected[row]:.17g}, "
            f"the model gives {scores[row]:.17g}; export the model again"
        )


def verification(document: Document) -> Verification | None:
    """The verification rows of a document's model.

    Rows in which a feature has no number, or for which no score is given, are left out: no wine is like them, and a
    table of probabilities alone says nothing of the score.

    Returns:
        None if the document has no rows that can be checked.
    Raises:
        ValueError: it has a ModelVerification that cannot be understood.
    """
    model = _scorable(document.root)
    element = None if model is None else _child(model, "ModelVerification")
    if model is None or element is None:
        return None
    fields = _fields(element)
    target = next((field for field in _score_fields(model) if field in fields), None)
    if target is None:
        return None
    wines, expected = [], []
    for row in _rows(element):
        wine = _wine(row, fields)
        score = _number(row.get(fields[target].column, ""))
        if wine is not None and not math.isnan(score):
            wines.append(wine)
            expected.append(score)
    if not wines:
        return None
    of_target = fields[target]
    return Verification(np.array(wines), np.array(expected), target, of_target.precision, of_target.zero_threshold)


@dataclass(frozen=True, slots=True)
class _Field:
    column: str
    precision: float
    zero_threshold: float


def _scorable(root: Element) -> Element | None:
    models = (child for child in root if _child(child, "MiningSchema") is not None)
    return next((model for model in models if model.get("isScorable", "true") == "true"), None)


def _score_fields(model: Element) -> list[str]:
    """The names under which the score may stand: the target's, and those of outputs that repeat it."""
    names = [
        field.get("name", "")
        for field in _children(_child(model, "MiningSchema"), "MiningField")
        if field.get("usageType") in ("target", "predicted")
    ]
    outputs = [
        output.get("name", "")
        for output in _children(_child(model, "Output"), "OutputField")
        if output.get("feature", "predictedValue") == "predictedValue" and "targetField" not in output.attrib
    ]
    return names + outputs


def _fields(element: Element) -> dict[str, _Field]:
    fields = {}
    for each in _children(_child(element, "VerificationFields"), "VerificationField"):
        name = each.get("field")
        if name is None:
            raise ValueError("has a VerificationField without field")
        column = each.get("column", name).rpartition(":")[2]
        precision = _number(each.get("precision", repr(PRECISION)))
        zero = _number(each.get("zeroThreshold", "1e-16"))
        if math.isnan(precision) or math.isnan(zero):
            raise ValueError("has a VerificationField whose precision or zeroThreshold is no number")
        fields[name] = _Field(column, precision, zero)
    return fields


def _rows(element: Element) -> Sequence[Mapping[str, str]]:
    table = _child(element, "InlineTable")
    if table is None:
        raise ValueError("has a ModelVerification whose rows are not in an InlineTable")
    rows = _children(table, "row")[:MAX_ROWS]
    return [{kind_of(cell): cell.text or "" for cell in row} for row in rows]


def _wine(row: Mapping[str, str], fields: Mapping[str, _Field]) -> list[float] | None:
    wine: list[float] = TYPICAL[1].tolist()
    for name, field in fields.items():
        if (feature := name.replace(" ", "_")) in WINE:
            number = _number(row.get(field.column, ""))
            if math.isnan(number):
                return None
            wine[WINE.index(feature)] = number
    return wine


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _children(element: Element | None, kind: str) -> list[Element]:
    return [] if element is None else [child for child in element if kind_of(child) == kind]


def _child(element: Element, kind: str) -> Element | None:
    return next(iter(_children(element, kind)), None)
