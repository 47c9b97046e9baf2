"""What expressions calculate with: a column of values per batch, each of them there, missing, or not valid.

Missing and invalid go through a calculation as JPMML's evaluator lets them: a record that needs an invalid value has no
score, while a missing one may be replaced on the way. Types are PMML's and known before any record comes: float is
calculated in float32, and an integer has 32 bits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.features import Features
from model.formats.pmml.reading import INTEGER_TEXT, NUMBER, NotCompilable, shown

MISSING, INVALID = 1, 2
"""In a state; 0: the value is there."""

INTEGER_LIMIT = 2**31
"""Integers go from its negative to one below it. Source: JPMML's are Java's; what overflows is invalid there."""

FLOAT_LIMIT = float(np.finfo(np.float32).max) * (1 + 2**-25)
"""What is nearer to infinity than to the largest float."""

State = NDArray[np.uint8]


class Type(StrEnum):
    """A PMML data type."""

    DOUBLE = "double"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"  # integer for some records, double for others: of an "if" with both


NUMBERS = frozenset({Type.DOUBLE, Type.FLOAT, Type.INTEGER, Type.NUMBER})
DTYPES: dict[Type, Any] = {
    Type.DOUBLE: np.float64,
    Type.NUMBER: np.float64,
    Type.FLOAT: np.float32,
    Type.INTEGER: np.int64,
    Type.BOOLEAN: np.bool_,
    Type.STRING: np.str_,
}


class Column(NamedTuple):
    """The values of a batch: shape (n,), or () where each record has the same."""

    values: NDArray[Any]
    state: State | None = None  # None: all are there; where one is not, its value means nothing


@dataclass(slots=True)
class Batch:
    """The records that are scored together, and what has been calculated of them already."""

    features: Features
    memo: dict[int, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Something that can be calculated of each record."""

    type: Type
    evaluate: Callable[[Batch], Column]
    sure: bool = False
    """No record is without a value: each column's state is None."""
    depth: int = 1
    """How many calculations, one within the other, evaluate it; at most as deep as Python's stack allows."""
    categorical: bool = False
    """Its values have no order, even if they are numbers."""
    feature: int | None = None
    """Which of a record's numbers it is, at most rounded to float32."""


def worst(*columns: Column) -> State | None:
    """The state of what is calculated of these: missing if one is missing, invalid if one is invalid."""
    states = [column.state for column in columns if column.state is not None]
    return reduce(np.maximum, states) if states else None


def marked(state: State | None, where: NDArray[np.bool_], mark: int) -> State | None:
    """The state with a mark where a value is there and the condition holds."""
    if not where.any():
        return state
    marks = np.where(where, np.uint8(mark), np.uint8(0))
    return marks if state is None else np.where(state == 0, marks, state)


def fits_integer(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of these numbers an integer's 32 bits can hold; NaN they cannot."""
    fits: NDArray[np.bool_] = (values >= -INTEGER_LIMIT) & (values < INTEGER_LIMIT)
    return fits


def only_numbers(values: NDArray[Any], state: State | None) -> Column:
    """A result of arithmetics, in which what is no number is invalid."""
    return Column(values, marked(state, np.isnan(values), INVALID) if values.dtype.kind == "f" else state)


def constant(value: Any, type_: Type) -> Expression:
    """The same value for each record."""
    column = Column(np.array(value, dtype=DTYPES[type_]))
    return Expression(type_, lambda _: column, sure=True)


def absent(type_: Type, mark: int = MISSING) -> Expression:
    """No value for any record."""
    column = Column(np.zeros((), DTYPES[type_]), np.array(mark, np.uint8))
    return Expression(type_, lambda _: column)


def once(expression: Expression) -> Expression:
    """The same, calculated once for a batch however often it is asked for."""

    def evaluate(batch: Batch) -> Column:
        column = batch.memo.get(id(expression))
        if column is None:
            column = batch.memo[id(expression)] = expression.evaluate(batch)
        return column

    return Expression(expression.type, evaluate, expression.sure, expression.depth + 1, expression.categorical)


def type_of(text: str) -> Type:
    """The type that a document names.

    Raises:
        NotCompilable: it is one of those with dates and times, or none.
    """
    if text not in set(Type) - {Type.NUMBER}:
        raise NotCompilable(f"has a dataType {shown(text)!r}")
    return Type(text)


def parsed(text: str, type_: Type) -> Any:
    """A value that stands in a document.

    Raises:
        ValueError: it is none of this type.
        NotCompilable: it may be one, in a spelling that programs read differently.
    """
    if type_ is Type.STRING:
        return text
    if type_ is Type.BOOLEAN:
        if text in ("true", "false"):
            return text == "true"
    elif NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        if type_ is Type.FLOAT:
            return np.float32(number if abs(number) < FLOAT_LIMIT else math.copysign(math.inf, number))
        if type_ is Type.INTEGER:
            if not INTEGER_TEXT.fullmatch(text) or not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
                raise NotCompilable(f"has {shown(text)!r} for an integer")
            return int(text)
        return number
    raise ValueError(f"has {shown(text)!r} where a value of type {type_} must stand")


def cast(expression: Expression, to: Type) -> Expression:
    """The expression as another type.

    Raises:
        NotCompilable: texts become numbers, or numbers texts, in other ways in each program.
    """
    of = expression.type
    if of is to or (to is Type.NUMBER and of in NUMBERS):
        return expression
    if Type.STRING in (of, to) and (of, to) not in ((Type.INTEGER, Type.STRING), (Type.BOOLEAN, Type.STRING)):
        raise NotCompilable(f"has a {of} that becomes a {to}")
    certain = to is not Type.BOOLEAN and not (to is Type.INTEGER and of is not Type.BOOLEAN)
    convert = _converter(of, to)
    return Expression(
        to, lambda batch: convert(expression.evaluate(batch)), expression.sure and certain, expression.depth + 1
    )


def _converter(of: Type, to: Type) -> Callable[[Column], Column]:
    if to is Type.STRING:
        if of is Type.BOOLEAN:
            return lambda column: Column(np.where(column.values, "true", "false"), column.state)
        return lambda column: Column(column.values.astype(np.str_), column.state)
    if to is Type.INTEGER and of is not Type.BOOLEAN:
        return _to_integer
    if to is Type.BOOLEAN:
        return lambda column: Column(
            column.values == 1, marked(column.state, (column.values != 1) & (column.values != 0), INVALID)
        )
    return lambda column: Column(column.values.astype(DTYPES[to]), column.state)


def _to_integer(column: Column) -> Column:
    whole = (column.values == np.rint(column.values)) & fits_integer(column.values)
    return Column(np.where(whole, column.values, 0).astype(np.int64), marked(column.state, ~whole, INVALID))


def common(types: list[Type]) -> Type:
    """The type in which numbers of these types are calculated together.

    Raises:
        NotCompilable: they are not all numbers, or mixed as no exporter does.
    """
    kinds = set(types)
    if not kinds <= NUMBERS:
        raise NotCompilable(f"calculates with a {min(kinds - NUMBERS)}")
    for type_ in (Type.DOUBLE, Type.FLOAT, Type.NUMBER):
        if type_ in kinds:
            if type_ is Type.FLOAT and Type.NUMBER in kinds:
                raise NotCompilable("calculates with a float and what may be an integer or a double")
            return type_
    return Type.INTEGER
