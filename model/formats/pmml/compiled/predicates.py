"""Predicates: true, false, or - where a field is missing - unknown.

As an expression of type boolean; unknown is a missing value. Source: PMML 4.4, "Trees", "Predicates".
"""

import re
from collections.abc import Callable
from functools import reduce
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import (
    DTYPES,
    INVALID,
    MISSING,
    Batch,
    Column,
    Expression,
    Type,
    constant,
    parsed,
    worst,
)
from model.formats.pmml.reading import NotCompilable, choice_of, only, opened, shown, text_of

ORDER: dict[str, Callable[[Any, Any], NDArray[np.bool_]]] = {
    "lessThan": np.less,
    "lessOrEqual": np.less_equal,
    "greaterThan": np.greater,
    "greaterOrEqual": np.greater_equal,
}
OPERATORS = ORDER | {"equal": np.equal, "notEqual": np.not_equal}
PRESENCE = ("isMissing", "isNotMissing")
ALL_OPERATORS = frozenset({*OPERATORS, *PRESENCE})
SIMPLE = frozenset({"field", "operator", "value"})

TRUE, FALSE = constant(True, Type.BOOLEAN), constant(False, Type.BOOLEAN)


def predicate(element: Element, kind: str, scope: Scope) -> Expression:
    """What the element says of each record; raises as ``compiler.compiled`` does."""
    if kind not in PREDICATES:
        raise NotCompilable(f"has a {shown(kind)} where a predicate is known")
    if kind in ("True", "False"):  # of which a deep tree has many
        opened(element, frozenset())
        return TRUE if kind == "True" else FALSE
    with scope.document.budget.deeper():
        return scope.document.budget.check(COMPARISONS[kind](element, scope))


def compared(element: Element, scope: Scope) -> tuple[Expression, str, Any]:
    """A SimplePredicate's field, operator and value, which is None with operators that have none."""
    opened(element, SIMPLE)
    field = scope.resolve(text_of(element, "field"))
    operator = choice_of(element, "operator", ALL_OPERATORS)
    if operator in PRESENCE:
        return field, operator, None
    if field.type is Type.NUMBER:
        raise NotCompilable("compares what may be an integer or a double")
    if (field.categorical or field.type is Type.STRING or field.type is Type.BOOLEAN) and operator in ORDER:
        raise NotCompilable(f"has a SimplePredicate with {operator} for categories")
    return field, operator, parsed(text_of(element, "value"), field.type)


def _simple(element: Element, scope: Scope) -> Expression:
    field, operator, value = compared(element, scope)
    if operator in PRESENCE:
        return _presence(field, operator == "isMissing")
    compare = OPERATORS[operator]
    boundary = np.array(value, DTYPES[field.type])

    def evaluate(batch: Batch) -> Column:
        values, state = field.evaluate(batch)
        return Column(compare(values, boundary), state)

    return Expression(Type.BOOLEAN, evaluate, field.sure, field.depth + 1)


def _presence(field: Expression, missing: bool) -> Expression:
    def evaluate(batch: Batch) -> Column:
        _, state = field.evaluate(batch)
        if state is None:
            return Column(np.array(not missing))
        absent = state == MISSING
        return Column(absent if missing else ~absent, np.where(state == INVALID, state, np.uint8(0)))

    return Expression(Type.BOOLEAN, evaluate, field.sure, field.depth + 1)


def _set(element: Element, scope: Scope) -> Expression:
    parts = opened(element, {"field", "booleanOperator"}, {"Array"})
    field = scope.resolve(text_of(element, "field"))
    if field.type is Type.NUMBER:
        raise NotCompilable("compares what may be an integer or a double")
    inside = choice_of(element, "booleanOperator", {"isIn", "isNotIn"}) == "isIn"
    members = np.array([parsed(text, field.type) for text in array_of(only(parts, "Array"))], DTYPES[field.type])

    def evaluate(batch: Batch) -> Column:
        values, state = field.evaluate(batch)
        return Column(np.isin(values, members, invert=not inside), state)

    return Expression(Type.BOOLEAN, evaluate, field.sure, field.depth + 1)


ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')


def array_of(element: Element) -> list[str]:
    """The items of an Array.

    Raises:
        ValueError: they are not as many as it says.
    """
    opened(element, {"n", "type"})
    choice_of(element, "type", {"int", "real", "string"})
    items = [(quoted or plain).replace('\\"', '"') for quoted, plain in ITEM.findall(element.text or "")]
    if element.get("n", str(len(items))) != str(len(items)):
        raise ValueError(f"has an Array with {len(items)} items that says it has {shown(element.attrib['n'])}")
    return items


def _compound(element: Element, scope: Scope) -> Expression:
    parts = opened(element, {"booleanOperator"}, PREDICATES)
    operator = choice_of(element, "booleanOperator", COMBINATIONS.keys())
    parts_ = [predicate(child, kind, scope) for kind, child in parts]
    if len(parts_) < (1 if operator == "surrogate" else 2):
        raise NotCompilable(f"has a CompoundPredicate of {len(parts_)} predicates")
    combine = COMBINATIONS[operator]

    def evaluate(batch: Batch) -> Column:
        return reduce(combine, [part.evaluate(batch) for part in parts_])

    sure = parts_[0].sure if operator == "surrogate" else all(part.sure for part in parts_)
    return Expression(Type.BOOLEAN, evaluate, sure, 1 + max(part.depth for part in parts_))


def _both(a: Column, b: Column) -> Column:
    """Three-valued: false decides, else unknown does."""
    state = worst(a, b)
    if state is None:
        return Column(a.values & b.values)
    false = _known(a, False) | _known(b, False)
    return Column(a.values & b.values & ~false, np.where(false & (state == MISSING), np.uint8(0), state))


def _either(a: Column, b: Column) -> Column:
    state = worst(a, b)
    if state is None:
        return Column(a.values | b.values)
    true = _known(a, True) | _known(b, True)
    return Column(true, np.where(true & (state == MISSING), np.uint8(0), state))


def _known(column: Column, value: bool) -> NDArray[np.bool_]:
    held = column.values == value
    return np.asarray(held if column.state is None else held & (column.state == 0))


def _exactly_odd(a: Column, b: Column) -> Column:
    return Column(a.values ^ b.values, worst(a, b))


def _surrogate(a: Column, b: Column) -> Column:
    """The first that is known."""
    if a.state is None:
        return a
    unknown = a.state == MISSING
    state = np.where(unknown, np.uint8(0) if b.state is None else b.state, a.state)
    return Column(np.where(unknown, b.values, a.values), state if state.any() else None)


COMBINATIONS = {"and": _both, "or": _either, "xor": _exactly_odd, "surrogate": _surrogate}


COMPARISONS: dict[str, Callable[[Element, Scope], Expression]] = {
    "SimplePredicate": _simple,
    "SimpleSetPredicate": _set,
    "CompoundPredicate": _compound,
}
PREDICATES = frozenset({"True", "False", *COMPARISONS})


def predicate_in(parts: list[tuple[str, Element]], scope: Scope) -> Expression:
    """The one predicate among an element's children."""
    found = [(kind, element) for kind, element in parts if kind in PREDICATES]
    if len(found) != 1:
        raise NotCompilable(f"has {len(found) or 'no'} predicates in a place where one is known")
    return predicate(found[0][1], found[0][0], scope)
