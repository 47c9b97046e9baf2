"""Expressions that hypothesis makes, against an evaluator that takes one record at a time and knows no numpy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.features import WINE
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.inputs import TYPICAL
from tests.support.exploring import examples
from tests.support.pmml_expressions import call, derived, document, field, value

SCHEMA = '<MiningField name="alcohol" outliers="asMissingValues" lowValue="-2" highValue="2"/><MiningField name="pH"/>'
QUARTERS = [n / 4 for n in range(-12, 13)]
WINES = np.tile(TYPICAL[1], (len(QUARTERS), 1))
WINES[:, WINE.index("alcohol")] = QUARTERS
WINES[:, WINE.index("pH")] = QUARTERS[::-1]

Record = dict[str, float | None]
Number = Callable[[Record], float | None]
Condition = Callable[[Record], bool]


class NoScoreError(Exception):
    """What is calculated has no value, and nothing on the way replaces it."""


def number(result: float | None) -> float | None:
    """A result of arithmetics: what is no number has no score."""
    if result is not None and math.isnan(result):
        raise NoScoreError
    return result


def there(result: float | None) -> float:
    """An argument that must not be missing."""
    if result is None:
        raise NoScoreError
    return result


def divided(a: float, b: float) -> float:
    """As IEEE 754 has it, which Python refuses."""
    if b == 0:  # there is no -0
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def average(values: list[float]) -> float:
    """Value after value, as JPMML has it: with infinite ones it is another one than the sum's share."""
    mean = 0.0
    for count, each in enumerate(values, 1):
        mean += (each - mean) / count
    return mean


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divided,
}
AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "avg": average,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lessThan": lambda a, b: a < b,
    "lessOrEqual": lambda a, b: a <= b,
    "greaterThan": lambda a, b: a > b,
    "equal": lambda a, b: a == b,
}

Pair = tuple[str, Number]
CONSTANTS = st.integers(-8, 8).map(lambda n: (value(n / 4), lambda _, n=n: n / 4))
FIELDS = st.sampled_from(["alcohol", "pH"]).map(lambda name: (field(name), lambda record, name=name: record[name]))


def arithmetic(name: str, a: Pair, b: Pair) -> Pair:
    """+, -, * or /, of which a missing argument makes a missing result."""

    def evaluate(record: Record) -> float | None:
        left, right = a[1](record), b[1](record)
        return None if left is None or right is None else number(ARITHMETIC[name](left, right))

    return call(name, a[0], b[0]), evaluate


def aggregate(name: str, arguments: list[Pair]) -> Pair:
    """Of those arguments that are there."""

    def evaluate(record: Record) -> float | None:
        values = [found for _, each in arguments if (found := each(record)) is not None]
        return number(float(AGGREGATES[name](values))) if values else None

    return call(name, *[text for text, _ in arguments]), evaluate


def replaced(a: Pair, b: Pair) -> Pair:
    """A sum with another value where an argument is missing."""

    def evaluate(record: Record) -> float | None:
        left, right = a[1](record), b[1](record)
        return 1.5 if left is None or right is None else number(left + right)

    total = call("+", a[0], b[0])
    return call("if", call("isMissing", total), value(1.5), total), evaluate


def chosen(name: str, a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair:
    """The branch that a comparison decides for; the other one does not matter."""

    def evaluate(record: Record) -> float | None:
        left, right = there(a[1](record)), there(b[1](record))
        return (yes if COMPARISONS[name](left, right) else no)[1](record)

    return call("if", call(name, a[0], b[0]), yes[0], no[0]), evaluate


def grown(smaller: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Larger expressions of smaller ones."""
    return st.one_of(
        st.builds(arithmetic, st.sampled_from(list(ARITHMETIC)), smaller, smaller),
        st.builds(aggregate, st.sampled_from(list(AGGREGATES)), st.lists(smaller, min_size=1, max_size=3)),
        st.builds(replaced, smaller, smaller),
        st.builds(chosen, st.sampled_from(list(COMPARISONS)), smaller, smaller, smaller, smaller),
    )


EXPRESSIONS: st.SearchStrategy[Pair] = st.recursive(st.one_of(CONSTANTS, FIELDS), grown, max_leaves=12)


def slowly(evaluate: Number) -> list[float]:
    """What it gives each wine; NaN where there is no score."""
    scores = []
    for alcohol, ph in zip(QUARTERS, reversed(QUARTERS), strict=True):
        record: Record = {"alcohol": alcohol if -2 <= alcohol <= 2 else None, "pH": ph}
        try:
            found = evaluate(record)
        except NoScoreError:
            found = None
        scores.append(math.nan if found is None else found)
    return scores


@settings(max_examples=examples(150))
@given(EXPRESSIONS)
def test_a_batch_is_scored_as_its_records_one_by_one(pair: Pair) -> None:
    text, evaluate = pair
    scores = compiled(checked(document(derived("x", text), schema=SCHEMA)).root).score(WINES)
    # the regression: 0 + 1 * x, of which infinity times 1 stays what it is
    assert scores == pytest.approx(np.array(slowly(evaluate)), rel=1e-12, abs=1e-12, nan_ok=True)
