"""Expressions: from an element to a calculation over a whole batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.functions import FUNCTIONS, UNRECOVERED, true_division
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import (
    DTYPES,
    INVALID,
    MISSING,
    Batch,
    Column,
    Expression,
    Type,
    absent,
    cast,
    constant,
    marked,
    once,
    parsed,
    type_of,
    worst,
)
from model.formats.pmml.document import kind_of
from model.formats.pmml.reading import (
    INTEGER_TEXT,
    NUMBER,
    NotCompilable,
    Parts,
    choice_of,
    number_of,
    of_kind,
    only,
    opened,
    shown,
    text_of,
)

MAX_CELLS = 1_000_000  # of a table that is looked up in


def expression(element: Element, scope: Scope, wanted: Type | None = None) -> Expression:
    """What the element calculates, as the wanted type.

    Raises:
        NotCompilable: it has something whose meaning is not known here exactly.
        ValueError: what is known is not sound.
    """
    make = EXPRESSIONS.get(kind_of(element))
    if make is None:
        raise NotCompilable(f"has a {shown(kind_of(element))} where something is calculated")
    with scope.document.budget.deeper():
        found = make(element, scope, wanted)
    return scope.document.budget.check(found if wanted is None else cast(found, wanted))


def inner(parts: Parts) -> Element:
    """The one expression among an element's children."""
    found = [element for kind, element in parts if kind in EXPRESSIONS]
    if len(found) != 1:
        raise NotCompilable(f"has {len(found) or 'no'} expressions in a place where one is known")
    return found[0]


def derived(element: Element, scope: Scope) -> Expression:
    """A DerivedField's values, calculated once for a batch.

    What an Interval or a Value says of them is not asked for: JPMML takes values that are none of these, too.
    """
    children = {*EXPRESSIONS, "Interval", "Value"}
    parts = opened(element, {"name", "displayName", "optype", "dataType"}, children)
    optype = choice_of(element, "optype", {"continuous", "categorical", "ordinal"})
    found = once(expression(inner(parts), scope, type_of(text_of(element, "dataType"))))
    return replace(found, categorical=optype == "categorical")


def replaced(found: Expression, text: str | None, wanted: Type | None) -> Expression:
    """The expression with a value where it is missing."""
    found = once(found)
    return where_missing(found, [found], text, wanted)


def where_missing(
    found: Expression, arguments: Sequence[Expression], text: str | None, wanted: Type | None
) -> Expression:
    """The expression with a value where one of its arguments is missing.

    Raises:
        NotCompilable: what type the value has is not said.
    """
    if text is None:
        return found
    type_ = wanted or found.type
    if wanted is None and found.type not in (Type.STRING, Type.BOOLEAN):
        raise NotCompilable("replaces missing values inside another calculation, where the type is not said")
    value = np.array(parsed(text, type_), DTYPES[type_])
    converted = cast(found, type_)

    def evaluate(batch: Batch) -> Column:
        values, state = converted.evaluate(batch)
        given = worst(*[argument.evaluate(batch) for argument in arguments])
        if given is None or state is None:
            return Column(values, state)
        here = given == MISSING
        return Column(np.where(here, value, values), np.where(here, np.uint8(0), state))

    sure = all(argument.sure for argument in arguments) and converted.sure
    return Expression(type_, evaluate, sure, _deepest([converted, *arguments]), found.categorical)


def _field_ref(element: Element, scope: Scope, wanted: Type | None) -> Expression:
    opened(element, {"field", "mapMissingTo"})
    return replaced(scope.resolve(text_of(element, "field")), element.get("mapMissingTo"), wanted)


def _constant(element: Element, _scope: Scope, wanted: Type | None) -> Expression:
    opened(element, {"dataType", "missing"})
    text = element.text or ""
    type_ = _type_of_text(text) if "dataType" not in element.attrib else type_of(element.attrib["dataType"])
    if choice_of(element, "missing", {"true", "false"}, "false") == "true":
        return absent(type_)
    if type_ is Type.STRING and wanted is not None:
        type_ = wanted
    return constant(parsed(text, type_), type_)


def _type_of_text(text: str) -> Type:
    if INTEGER_TEXT.fullmatch(text):
        return Type.INTEGER
    return Type.DOUBLE if NUMBER.fullmatch(text) and "e" not in text.lower() else Type.STRING


def _norm_continuous(element: Element, scope: Scope, _wanted: Type | None) -> Expression:
    parts = opened(element, {"field", "outliers", "mapMissingTo"}, {"LinearNorm"})
    origins, norms = line_of(of_kind(parts, "LinearNorm"))
    outliers = choice_of(element, "outliers", {"asIs", "asMissingValues", "asExtremeValues"}, "asIs")
    number = scope.number(text_of(element, "field"))

    def evaluate(batch: Batch) -> Column:
        values, state = number.evaluate(batch)
        values = values.astype(np.float64)
        if outliers == "asExtremeValues":
            return Column(np.interp(values, origins, norms), state)
        if outliers == "asMissingValues":
            state = marked(state, (values < origins[0]) | (values > origins[-1]), MISSING)
        return Column(interpolated(values, origins, norms), state)

    found = Expression(Type.DOUBLE, evaluate, number.sure and outliers != "asMissingValues", number.depth + 1)
    # What is missing from the start is mapped, not what is taken for missing as an outlier.
    return where_missing(found, [number], element.get("mapMissingTo"), Type.DOUBLE)


def line_of(points: Sequence[Element]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points of LinearNorms.

    Raises:
        NotCompilable: they do not go up from one to the next.
    """
    for point in points:
        opened(point, {"orig", "norm"})
    origins = np.array([number_of(point, "orig") for point in points])
    if len(points) < 2 or not (np.diff(origins) > 0).all():
        raise NotCompilable("has LinearNorms that do not go up from one to the next")
    return origins, np.array([number_of(point, "norm") for point in points])


def interpolated(
    values: NDArray[np.float64], origins: NDArray[np.float64], norms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By straight lines between the points; the outermost lines go on."""
    place = np.clip(np.searchsorted(origins, values, side="right") - 1, 0, len(origins) - 2)
    low, high = origins[place], origins[place + 1]
    found: NDArray[np.float64] = norms[place] + (values - low) / (high - low) * (norms[place + 1] - norms[place])
    return found


def _norm_discrete(element: Element, scope: Scope, _wanted: Type | None) -> Expression:
    opened(element, {"field", "value", "mapMissingTo", "method"})
    choice_of(element, "method", {"indicator"}, "indicator")
    field = scope.resolve(text_of(element, "field"))
    if field.type is Type.NUMBER:
        raise NotCompilable("has a NormDiscrete of what may be an integer or a double")
    value = parsed(text_of(element, "value"), field.type)

    def evaluate(batch: Batch) -> Column:
        values, state = field.evaluate(batch)
        return Column((values == value).astype(np.float64), state)

    found = Expression(Type.DOUBLE, evaluate, field.sure, field.depth + 1)
    return where_missing(found, [field], element.get("mapMissingTo"), Type.DOUBLE)


def _discretize(element: Element, scope: Scope, wanted: Type | None) -> Expression:
    parts = opened(element, {"field", "mapMissingTo", "defaultValue", "dataType"}, {"DiscretizeBin"})
    type_ = type_of(element.attrib["dataType"]) if "dataType" in element.attrib else wanted or Type.STRING
    bins = [_bin(each, type_) for each in of_kind(parts, "DiscretizeBin")]
    _check_apart([interval for interval, _ in bins])
    number = scope.number(text_of(element, "field"))
    default = element.get("defaultValue")
    # The last value is for those in no bin.
    otherwise = np.zeros((), DTYPES[type_]) if default is None else np.array(parsed(default, type_), DTYPES[type_])
    results = np.array([value for _, value in bins] + [otherwise[()]], DTYPES[type_])

    def evaluate(batch: Batch) -> Column:
        values, state = number.evaluate(batch)
        place = np.full(values.shape, len(bins))
        for i, (interval, _) in enumerate(bins):
            place[interval.holds(values)] = i
        if default is None:
            outside = place == len(bins)
            state = marked(state, outside if state is None else outside & (state == 0), MISSING)
        return Column(results[place], state)

    sure = number.sure and default is not None
    found = Expression(type_, evaluate, sure, number.depth + 1, categorical=True)
    return where_missing(found, [number], element.get("mapMissingTo"), type_)


class Interval:
    """An interval of numbers."""

    def __init__(self, element: Element) -> None:
        """Read it; raises as ``expression`` does."""
        opened(element, {"closure", "leftMargin", "rightMargin"})
        closure = choice_of(element, "closure", {"openClosed", "openOpen", "closedOpen", "closedClosed"})
        if not {"leftMargin", "rightMargin"} & element.attrib.keys():
            raise ValueError("has an Interval without margins")
        self.left = number_of(element, "leftMargin", -np.inf)
        self.right = number_of(element, "rightMargin", np.inf)
        self.left_closed = closure.startswith("closed")
        self.right_closed = closure.endswith("Closed")

    def holds(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of these numbers are in it; what is infinite is, if there is no margin on that side."""
        numbers = values.astype(np.float64)
        above = numbers >= self.left if self.left_closed or self.left == -np.inf else numbers > self.left
        below = numbers <= self.right if self.right_closed or self.right == np.inf else numbers < self.right
        return above & below


def _check_apart(intervals: list[Interval]) -> None:
    ordered = sorted(intervals, key=lambda interval: (interval.left, interval.right))
    for before, after in pairwise(ordered):
        touching = before.right == after.left and before.right_closed and after.left_closed
        if before.right > after.left or touching:
            raise NotCompilable("has a Discretize whose bins overlap")


def _bin(element: Element, type_: Type) -> tuple[Interval, Any]:
    parts = opened(element, {"binValue"}, {"Interval"})
    return Interval(only(parts, "Interval")), parsed(text_of(element, "binValue"), type_)


def _map_values(element: Element, scope: Scope, wanted: Type | None) -> Expression:
    parts = opened(
        element, {"outputColumn", "mapMissingTo", "defaultValue", "dataType"}, {"FieldColumnPair", "InlineTable"}
    )
    type_ = type_of(element.attrib["dataType"]) if "dataType" in element.attrib else wanted or Type.STRING
    pairs = of_kind(parts, "FieldColumnPair")
    for pair in pairs:
        opened(pair, {"field", "column"})
    fields = [scope.resolve(text_of(pair, "field")) for pair in pairs]
    if not fields or any(field.type is Type.NUMBER for field in fields):
        raise NotCompilable("has a MapValues of nothing, or of what may be an integer or a double")
    rows = rows_of(only(parts, "InlineTable"))
    if not rows:
        raise NotCompilable("has a MapValues without a row")
    if len(rows) * (len(pairs) + 1) > MAX_CELLS:
        raise ValueError(f"has a table with more than {MAX_CELLS:,} cells; export it to ONNX")
    keys = [
        [parsed(_cell(row, text_of(pair, "column")), field.type) for row in rows]
        for pair, field in zip(pairs, fields, strict=True)
    ]
    output = text_of(element, "outputColumn")
    values = [parsed(_cell(row, output), type_) for row in rows]
    default = element.get("defaultValue")
    otherwise = np.zeros((), DTYPES[type_])[()] if default is None else parsed(default, type_)
    results = np.array([*values, otherwise], DTYPES[type_])
    row_of = _lookup([field.type for field in fields], keys)

    def evaluate(batch: Batch) -> Column:
        given = [field.evaluate(batch) for field in fields]
        row = row_of([column.values for column in given])
        state = worst(*given)
        if default is None:
            state = marked(state, (row < 0) if state is None else (row < 0) & (state == 0), MISSING)
        return Column(results[row], state)

    sure = default is not None and all(field.sure for field in fields)
    found = Expression(type_, evaluate, sure, _deepest(fields), categorical=True)
    return where_missing(found, fields, element.get("mapMissingTo"), type_)


def _deepest(arguments: Sequence[Expression]) -> int:
    return 1 + max(argument.depth for argument in arguments)


def _lookup(types: Sequence[Type], keys: list[list[Any]]) -> Callable[[Sequence[NDArray[Any]]], NDArray[np.int64]]:
    """From the values of the fields, of these types, to the row that has them as its keys, or -1."""
    columns = [np.array(key, DTYPES[type_]) for key, type_ in zip(keys, types, strict=True)]
    uniques = [np.unique(column) for column in columns]
    places = np.zeros(len(keys[0]), np.int64)  # of a row among all combinations of keys
    for unique, column in zip(uniques, columns, strict=True):
        places = places * len(unique) + np.searchsorted(unique, column)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    if (np.diff(ordered) == 0).any():
        raise NotCompilable("has a MapValues with a row twice")

    def row_of(given: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
        place: NDArray[np.int64] = np.zeros((), np.int64)
        known: NDArray[np.bool_] = np.ones((), np.bool_)
        for values, unique in zip(given, uniques, strict=True):
            found = np.minimum(np.searchsorted(unique, values), len(unique) - 1)
            known = known & (unique[found] == values)
            place = place * len(unique) + found
        found = np.minimum(np.searchsorted(ordered, place), len(ordered) - 1)
        return np.where(known & (ordered[found] == place), order[found], -1)

    return row_of


def rows_of(table: Element) -> list[dict[str, str]]:
    """The rows of an InlineTable, by column."""
    rows = [row for kind, row in opened(table, set(), {"row"})]
    return [{kind_of(cell): cell.text or "" for cell in row} for row in rows]


def _cell(row: dict[str, str], column: str) -> str:
    name = column.rpartition(":")[2]
    if name not in row:
        raise NotCompilable(f"has a table with a row without {shown(name)}")
    return row[name]


def _apply(element: Element, scope: Scope, wanted: Type | None) -> Expression:
    parts = opened(element, {"function", "mapMissingTo", "defaultValue", "invalidValueTreatment"}, EXPRESSIONS.keys())
    name = text_of(element, "function")
    treatment = choice_of(element, "invalidValueTreatment", {"returnInvalid", "asIs", "asMissing"}, "returnInvalid")
    missing, default = element.get("mapMissingTo"), element.get("defaultValue")
    definition = scope.document.functions.get(name)
    branches = name == "if" and definition is None
    arguments = [expression(child, scope, wanted if branches and i > 0 else None) for i, (_, child) in enumerate(parts)]
    if definition is not None or missing is not None or treatment == "asMissing":
        arguments = [once(argument) for argument in arguments]  # which are looked at twice
    if branches and missing is not None:
        # An if without a second branch is missing without one of its arguments being so.
        arguments[1:] = [replaced(argument, missing, wanted) for argument in arguments[1:]]
    found = _built_in(name, arguments, scope) if definition is None else _call(definition, arguments, scope)
    if treatment == "asMissing":
        if name in UNRECOVERED or definition is not None:
            raise NotCompilable(f"has invalidValueTreatment='asMissing' at {shown(name)!r}")
        found = _recovering(found, arguments)
    found = where_missing(found, arguments[:1] if branches else arguments, missing, wanted)
    return found if default is None else replaced(found, default, wanted)


def _built_in(name: str, arguments: list[Expression], scope: Scope) -> Expression:
    function = FUNCTIONS.get(name)
    if function is None:
        raise NotCompilable(f"calls the function {shown(name)!r}")
    if not function.least <= len(arguments) <= (function.most or len(arguments)):
        raise ValueError(f"calls {shown(name)} with {len(arguments)} arguments")
    make = true_division if name == "/" and scope.document.exporter.true_division else function.make
    return make(arguments)


def _recovering(found: Expression, arguments: list[Expression]) -> Expression:
    """What a function cannot take of arguments that are there is missing, not invalid."""

    def evaluate(batch: Batch) -> Column:
        values, state = found.evaluate(batch)
        if state is None:
            return Column(values)
        given = worst(*[argument.evaluate(batch) for argument in arguments])
        own = (state == INVALID) & np.asarray(True if given is None else given == 0)
        return Column(values, np.where(own, np.uint8(MISSING), state))

    return Expression(found.type, evaluate, found.sure, found.depth + 1)


def _call(function: Element, arguments: list[Expression], scope: Scope) -> Expression:
    """A function that the document defines, with its parameters bound to these arguments."""
    parts = opened(function, {"name", "optype", "dataType"}, {"ParameterField", *EXPRESSIONS})
    parameters = of_kind(parts, "ParameterField")
    if len(parameters) != len(arguments):
        raise ValueError(f"calls {shown(function.get('name', ''))} with {len(arguments)} arguments")
    inside = Scope(scope.document)
    for parameter, argument in zip(parameters, arguments, strict=True):
        opened(parameter, {"name", "optype", "dataType", "displayName"})
        type_ = type_of(parameter.attrib["dataType"]) if "dataType" in parameter.attrib else argument.type
        inside.names[text_of(parameter, "name")] = once(cast(argument, type_))
    result = type_of(function.attrib["dataType"]) if "dataType" in function.attrib else None
    return expression(inner(parts), inside, result)


EXPRESSIONS: dict[str, Callable[[Element, Scope, Type | None], Expression]] = {
    "FieldRef": _field_ref,
    "Constant": _constant,
    "NormContinuous": _norm_continuous,
    "NormDiscrete": _norm_discrete,
    "Discretize": _discretize,
    "MapValues": _map_values,
    "Apply": _apply,
}
"""By element: what it calculates. Source: PMML 4.4, "Transformation Dictionary"."""
