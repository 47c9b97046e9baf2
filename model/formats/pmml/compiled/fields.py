"""The inputs of a document's model: how a record's number becomes a field's value, or is missing, or not valid.

The order of these steps is that of JPMML's evaluator: declared missing, of the right type, among the valid values,
outlier, replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.expressions import Interval
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import (
    DTYPES,
    INVALID,
    MISSING,
    NUMBERS,
    Batch,
    Column,
    Expression,
    Type,
    cast,
    marked,
    once,
    parsed,
    type_of,
)
from model.formats.pmml.reading import (
    NUMBER,
    NotCompilable,
    Parts,
    choice_of,
    number_of,
    of_kind,
    opened,
    shown,
    text_of,
)
from model.inputs import columns_of

DATA_FIELD = frozenset({"name", "optype", "dataType", "displayName"})
OPTYPES = frozenset({"continuous", "categorical", "ordinal"})
MINING_FIELD = frozenset({"name", "usageType", "importance"})
TREATMENTS = frozenset(
    {
        "optype",
        "outliers",
        "lowValue",
        "highValue",
        "missingValueReplacement",
        "missingValueTreatment",
        "invalidValueTreatment",
        "invalidValueReplacement",
    }
)
TARGETS = ("target", "predicted")
UNUSED = ("supplementary", "group", "order", "frequencyWeight", "analysisWeight")
"""Fields that play no part in a score. Source: PMML 4.4, "Mining Schema"."""

MISSING_TREATMENTS = frozenset({"asIs", "asMean", "asMode", "asMedian", "asValue", "returnInvalid"})
"""All but the last say only how the replacement was found."""

INVALID_TREATMENTS = frozenset({"returnInvalid", "asIs", "asMissing", "asValue"})
LIMITED = frozenset({Type.DOUBLE, Type.FLOAT, Type.INTEGER})
NOT_FINITE = frozenset({"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"})


@dataclass(frozen=True, slots=True)
class Target:
    """The field that a model predicts, as the data dictionary has it."""

    name: str
    type: Type
    labels: tuple[str, ...]
    """A classifier's, in the data dictionary's order; empty where it lists none."""


def mining_fields(schema: Element) -> tuple[dict[str, Element], list[str]]:
    """The inputs of a model by name, and the names of its targets.

    Raises:
        NotCompilable: a field has a use, or a treatment, that is not known here.
    """
    inputs: dict[str, Element] = {}
    targets: list[str] = []
    for field in of_kind(opened(schema, frozenset(), {"MiningField"}), "MiningField"):
        use = choice_of(field, "usageType", {"active", *TARGETS, *UNUSED}, "active")
        opened(field, MINING_FIELD | TREATMENTS)
        name = text_of(field, "name")
        if use in TARGETS:
            targets.append(name)
        elif use == "active":
            if name in inputs:
                raise NotCompilable(f"has two MiningFields {shown(name)!r}")
            inputs[name] = field
    return inputs, targets


def input_fields(dictionary: Mapping[str, Element], inputs: Mapping[str, Element]) -> dict[str, Expression]:
    """By name what each input is.

    Raises:
        NotCompilable: a field is treated in a way, or is of a kind, that is not known here.
        ValueError: an input that no record has.
    """
    if unknown := [name for name in inputs if name not in dictionary]:
        raise ValueError(f"has no DataField for its MiningField {unknown[0]!r}")
    columns = dict(zip(inputs, columns_of(list(inputs)), strict=True))
    if len(set(columns.values())) != len(columns):
        raise NotCompilable("has one feature under two names")
    return {name: _input(dictionary[name], field, columns[name]) for name, field in inputs.items()}


def retreated(name: str, mining: Element, around: Scope) -> Expression:
    """What a model within a model takes over from there, with its own treatment of missing and outlying values."""
    found = around.resolve(name)
    if not mining.attrib.keys() & (TREATMENTS - {"optype"}):
        return found
    if mining.attrib.keys() & {"invalidValueTreatment", "invalidValueReplacement"} or found.type not in LIMITED:
        raise NotCompilable(f"has a Segment whose MiningField {shown(name)!r} treats values again")
    field = _field_of(found, found.type, [], {"valid": [], "invalid": [], "missing": []}, mining)
    return found if field.plain and field.replacement is None else once(Expression(found.type, field))


def target_of(field: Element) -> Target:
    """A DataField as what a model predicts."""
    parts = opened(field, DATA_FIELD, {"Value", "Interval"})
    choice_of(field, "optype", OPTYPES)
    type_ = type_of(text_of(field, "dataType"))
    labels = []
    for value in of_kind(parts, "Value"):
        opened(value, {"value", "displayValue", "property"})
        if choice_of(value, "property", {"valid", "invalid", "missing"}, "valid") == "valid":
            labels.append(label_text(text_of(value, "value"), type_))
    if len(set(labels)) != len(labels):
        raise NotCompilable("has a target with a label twice")
    return Target(text_of(field, "name"), type_, tuple(labels))


def label_text(text: str, type_: Type) -> str:
    """A label as one text, however it is spelt: 5, 5.0 and 05 are the same if labels are numbers."""
    if type_ not in NUMBERS:
        return text
    if not NUMBER.fullmatch(text):
        raise ValueError(f"gives labels such as {shown(text)!r}; only labels that are numbers are served")
    return str(parsed(text, type_)) if type_ is Type.INTEGER else repr(float(parsed(text, type_)))


def _input(data: Element, mining: Element, column: int) -> Expression:
    parts = opened(data, DATA_FIELD, {"Value", "Interval"})
    optype = choice_of(data, "optype", OPTYPES)
    choice_of(mining, "optype", {optype}, optype)
    type_ = Type(choice_of(data, "dataType", {"double", "float", "integer"}))
    if optype == "categorical" and of_kind(parts, "Interval"):
        raise NotCompilable("has a categorical DataField with an Interval")
    raw = Expression(Type.DOUBLE, lambda batch: Column(batch.features[:, column]), sure=True)
    field = _treated(raw, type_, parts, mining)
    plain = column if field.sure and type_ is not Type.INTEGER else None
    return replace(once(field), categorical=optype == "categorical", feature=plain)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that not every number is a value of."""

    raw: Expression
    typed: Expression
    missing: list[float]
    invalid: list[float]
    valid: list[float]
    intervals: list[Interval]
    low: float
    high: float
    outliers: str
    missing_treatment: str
    replacement: object
    invalid_treatment: str
    invalid_replacement: object

    @property
    def plain(self) -> bool:
        """Whether each number is a value."""
        lists = (self.missing, self.invalid, self.valid, self.intervals)
        return self.typed.sure and not any(lists) and self.outliers == "asIs"

    def __call__(self, batch: Batch) -> Column:
        """The field's values."""
        values, state = self.typed.evaluate(batch)
        numbers = values if self.typed.type is Type.FLOAT else self.raw.evaluate(batch).values
        missing = np.isin(numbers, self.missing)
        if state is not None:
            missing = missing | (state == MISSING)
        wrong = np.isin(numbers, self.invalid)
        if state is not None:
            wrong |= state == INVALID
        if self.valid or self.intervals:
            # Where both are listed JPMML asks for the values alone.
            allowed = np.isin(numbers, self.valid)
            for interval in self.intervals if not self.valid else ():
                allowed |= interval.holds(numbers)
            wrong |= ~allowed
        wrong &= ~missing
        if self.missing_treatment == "returnInvalid":
            wrong, missing = wrong | missing, np.zeros_like(missing)
        values, outlying = self._within_limits(values, wrong | missing)
        if self.invalid_treatment == "asMissing":
            missing, wrong = missing | wrong, np.zeros_like(wrong)
        elif self.invalid_treatment == "asValue":
            values, wrong = np.where(wrong, self.invalid_replacement, values), np.zeros_like(wrong)  # type: ignore[call-overload]
        elif self.invalid_treatment == "asIs":
            wrong = np.zeros_like(wrong) if state is None else state == INVALID
        missing |= outlying
        if self.replacement is not None:
            values, missing = np.where(missing, self.replacement, values), np.zeros_like(missing)  # type: ignore[call-overload]
        values = values.astype(DTYPES[self.typed.type])
        return Column(values, marked(marked(None, missing, MISSING), wrong, INVALID))

    def _within_limits(
        self, values: NDArray[Any], without: NDArray[np.bool_]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The values, and which of them are missing as outliers."""
        if self.outliers == "asExtremeValues":
            return np.where(without, values, np.clip(values, self.low, self.high)), np.zeros_like(without)
        outlying = (values < self.low) | (values > self.high)
        return values, outlying & ~without if self.outliers == "asMissingValues" else np.zeros_like(without)


def _treated(raw: Expression, type_: Type, parts: Parts, mining: Element) -> Expression:
    numbers: dict[str, list[float]] = {"valid": [], "invalid": [], "missing": []}
    for value in of_kind(parts, "Value"):
        opened(value, {"value", "displayValue", "property"})
        listed = numbers[choice_of(value, "property", numbers.keys(), "valid")]
        text = text_of(value, "value")
        # A record's numbers are finite: none is equal to what is not.
        if text not in NOT_FINITE:
            listed.append(float(parsed(text, Type.FLOAT if type_ is Type.FLOAT else Type.DOUBLE)))
        elif listed is numbers["valid"]:
            raise NotCompilable(f"has a DataField with the value {text}")
    field = _field_of(raw, type_, [Interval(element) for element in of_kind(parts, "Interval")], numbers, mining)
    return field.typed if field.plain else Expression(type_, field)


def _field_of(
    raw: Expression, type_: Type, intervals: list[Interval], numbers: Mapping[str, list[float]], mining: Element
) -> _Field:
    field = _Field(
        raw=raw,
        typed=cast(raw, type_),
        missing=numbers["missing"],
        invalid=numbers["invalid"],
        valid=numbers["valid"],
        intervals=intervals,
        low=_limit(mining, "lowValue", -np.inf, type_),
        high=_limit(mining, "highValue", np.inf, type_),
        outliers=choice_of(mining, "outliers", {"asIs", "asMissingValues", "asExtremeValues"}, "asIs"),
        missing_treatment=choice_of(mining, "missingValueTreatment", MISSING_TREATMENTS, "asIs"),
        replacement=_replacement(mining, "missingValueReplacement", type_),
        invalid_treatment=choice_of(mining, "invalidValueTreatment", INVALID_TREATMENTS, "returnInvalid"),
        invalid_replacement=_replacement(mining, "invalidValueReplacement", type_),
    )
    if (field.invalid_treatment == "asValue") != (field.invalid_replacement is not None):
        raise NotCompilable("its MiningField has an invalidValueReplacement without 'asValue', or that without a value")
    return field


def _limit(mining: Element, name: str, default: float, type_: Type) -> float:
    limit = number_of(mining, name, default)
    return float(np.float32(limit)) if type_ is Type.FLOAT else limit


def _replacement(mining: Element, name: str, type_: Type) -> object:
    return parsed(mining.attrib[name], type_) if name in mining.attrib else None
