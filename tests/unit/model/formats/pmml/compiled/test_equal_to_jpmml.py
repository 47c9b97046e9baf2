"""Compiled models against JPMML's evaluator, the reference engine: within 1e-9, and no score where it gives none.

Its jars (AGPL-3.0) are fetched when these tests run, and are no part of this project.
"""

import csv
import itertools
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model import registry
from model.errors import ModelRejected, ModelUnfit
from model.features import WINE, Features, Values
from model.formats.pmml.compiled.functions import FUNCTIONS
from model.formats.pmml.document import checked
from model.formats.pmml.jpmml_model import JpmmlModel
from model.formats.pmml.load import pmml_model
from model.inputs import trial_wines
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.exploring import examples
from tests.support.pmml_expressions import call, derived, document, field, value
from tests.support.pmml_text import forest, general_regression, network, pmml, regression, target_of, tree_model
from tests.support.process import ROOT
from tests.unit.model.formats.pmml.compiled.test_equal_to_java import (
    ACTIVATIONS,
    COEFFICIENTS,
    INPUTS,
    LABELS,
    LINKS,
    PARAMETRIC,
    QUARTERS,
    REGRESSION_TREES,
    SIXTEENTHS,
    nodes,
)

pytestmark = pytest.mark.thorough

SHARED = ROOT.parent / "shared"
CASES = sorted((SHARED / "cases").glob("pmml*/*.pmml"))
MODELS = sorted((ROOT / "data" / "models").glob("*.pmml"))
WINES = np.concatenate([QUARTERS, trial_wines()])
RELATIVE = 1e-9
# No record has an infinite number, but what is calculated of one may be.
FAR = np.zeros((4 ** len(INPUTS), len(WINE)))
FAR[:, [WINE.index(name) for name in INPUTS]] = list(
    itertools.product((-math.inf, math.inf, -0.0, 1.0), repeat=len(INPUTS))
)
RECORDS = np.concatenate([QUARTERS, FAR])

some = settings(max_examples=examples(60))


def differences(content: bytes, wines: Features, engine: Any = pmml_model) -> list[tuple[int, float, float]]:
    """The rows for which the two do not agree: row, the reference, ours."""
    ours: Values = engine(content).score(wines)
    theirs = JpmmlModel(checked(content)).score(wines)
    scale = np.where(np.isfinite(theirs), np.maximum(np.abs(theirs), 1.0), 1.0)
    with np.errstate(invalid="ignore"):
        same = (np.abs(ours - theirs) <= RELATIVE * scale) | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    return [(int(row), float(theirs[row]), float(ours[row])) for row in np.flatnonzero(~same)]


def real_wines() -> Features:
    """The red wines of the data set, if it is there, as ``data.train_models`` uses them."""
    with (SHARED / "data" / "winequality-red.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return np.array([[float(row[name.replace("_", " ")]) for name in WINE] for row in rows])


@pytest.mark.parametrize("path", MODELS, ids=lambda path: str(path.stem))
def test_a_shipped_model(path: Path) -> None:
    assert differences(path.read_bytes(), WINES) == []


@some
@given(root=REGRESSION_TREES, falls_back=st.booleans(), data_type=st.sampled_from(("float", "double")))
def test_a_regression_tree(root: Any, falls_back: bool, data_type: str) -> None:
    text = tree_model(root, INPUTS, "regression", falls_back)
    assert differences(pmml(text, INPUTS, data_type=data_type), RECORDS) == []


@some
@given(root=nodes(st.sampled_from(LABELS), st.just({})), falls_back=st.booleans())
def test_a_classification_tree(root: Any, falls_back: bool) -> None:
    text = tree_model(root, INPUTS, falls_back=falls_back)
    assert differences(pmml(text, INPUTS, target_of(*LABELS)), RECORDS) == []


@some
@given(
    roots=st.lists(REGRESSION_TREES, min_size=1, max_size=5),
    method=st.sampled_from(("average", "weightedAverage", "sum", "median")),
    weights=st.lists(st.integers(1, 9), min_size=5, max_size=5),
)
def test_a_forest(roots: list[Any], method: str, weights: list[int]) -> None:
    trees = [tree_model(root, INPUTS, "regression", falls_back=True) for root in roots]
    text = forest(*trees, inputs=INPUTS, function="regression", method=method, weights=weights)
    assert differences(pmml(text, INPUTS), RECORDS) == []


@some
@given(roots=st.lists(nodes(st.just("5"), SIXTEENTHS), min_size=1, max_size=4))
def test_a_forest_that_votes(roots: list[Any]) -> None:
    trees = [tree_model(root, INPUTS, falls_back=True) for root in roots]
    assert differences(pmml(forest(*trees, inputs=INPUTS), INPUTS, target_of(*LABELS)), RECORDS) == []


@some
@given(
    coefficients=COEFFICIENTS,
    intercept=st.floats(-2, 2),
    exponents=st.dictionaries(st.sampled_from(INPUTS), st.integers(-2, 3)),
    method=st.sampled_from(("none", "exp", "logit", "softmax", "probit", "cloglog", "loglog", "cauchit")),
)
@example({"alcohol": 2.0, "pH": 3.0}, 1.0, {"alcohol": 2}, "none")  # the square of -infinity
@example({"alcohol": 2.0, "pH": 3.0}, 1.0, {"alcohol": -1}, "none")  # and of -0: 1 by it
def test_a_regression(coefficients: dict[str, float], intercept: float, exponents: dict[str, int], method: str) -> None:
    exponents = {name: exponent for name, exponent in exponents.items() if name in coefficients}
    text = regression(coefficients, intercept, exponents, f'normalizationMethod="{method}"')
    assert differences(pmml(text, list(coefficients)), RECORDS) == []


@some
@given(
    betas=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    cells=st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from(INPUTS), st.integers(-1, 2)), min_size=1),
    link=st.sampled_from(LINKS + PARAMETRIC),
)
@example((0.5, 1.0, 0.25), {("a", "alcohol", 1), ("b", "pH", 1)}, PARAMETRIC[0])  # the root of -infinity
@example((0.0, 0.0, 0.5), {("a", "alcohol", 1), ("b", "alcohol", 1)}, "identity")  # 0 times infinity is no number
def test_a_general_regression(betas: tuple[float, ...], cells: set[tuple[str, str, int]], link: str) -> None:
    once = list({(parameter, name): (parameter, name, power) for parameter, name, power in sorted(cells)}.values())
    named = dict(zip(("one", "a", "b"), betas, strict=True))
    text = general_regression(once, named, f'modelType="generalizedLinear" linkFunction="{link}"')
    assert differences(pmml(text, sorted({name for _, name, _ in once})), RECORDS) == []


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "Gauss", "Elliott", "arctan"])
@pytest.mark.parametrize("labels", [(), LABELS])
def test_a_network(activation: str, labels: Sequence[str]) -> None:
    sizes = (len(INPUTS), 4, len(labels) or 1)
    rng = np.random.default_rng(len(activation))
    layers = [
        (rng.uniform(-1, 1, n).tolist(), rng.uniform(-1, 1, (n, before)).tolist()) for before, n in pairwise(sizes)
    ]
    last = 'activationFunction="identity" normalizationMethod="softmax"' if labels else ""
    text = network(INPUTS, layers, activation, labels, last)
    # Of probabilities that are no numbers JPMML takes the first label; here is no score.
    records = QUARTERS if labels else RECORDS
    assert differences(pmml(text, INPUTS, *([target_of(*labels)] if labels else [])), records) == []


UNARY = (
    *("abs", "exp", "expm1", "floor", "ceil", "round", "rint", "sqrt", "ln", "ln1p", "log10", "sin", "cos", "tan"),
    *("asin", "acos", "atan", "sinh", "cosh", "tanh", "stdNormalCDF"),
)
BINARY = ("+", "-", "*", "/", "modulo", "pow", "threshold", "hypot", "x-atan2")
AGGREGATING = ("min", "max", "sum", "avg", "product")
COMPARING = ("equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "isIn", "isNotIn")
FIELDS = st.sampled_from(INPUTS).map(field)
CONSTANTS = st.one_of(
    st.integers(-8, 8).map(lambda quarters: value(quarters / 4)),
    st.sampled_from((-0.0, 1e-200, 0.49999999999999994, 2.0**31, 1e200, -1e308)).map(value),
    st.sampled_from((0, 1, -1, 2, 7)).map(lambda whole: value(whole, "integer")),
)
INFINITE = st.sampled_from((1, -1)).map(lambda sign: call("/", value(float(sign)), value(0.0)))


def grown(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of these."""
    compared = st.builds(call, st.sampled_from(COMPARING), smaller, smaller)
    some_of = st.lists(smaller, min_size=1, max_size=4)
    return st.one_of(
        st.builds(call, st.sampled_from(UNARY), smaller),
        st.builds(call, st.sampled_from(BINARY), smaller, smaller),
        st.builds(lambda name, arguments: call(name, *arguments), st.sampled_from(AGGREGATING), some_of),
        st.builds(lambda test, then, other: call("if", test, then, other), compared, smaller, smaller),
        st.builds(lambda one, other, a, b: call("if", call("and", one, other), a, b), compared, compared,
                  smaller, smaller),
    )  # fmt: skip


EXPRESSIONS = st.recursive(st.one_of(FIELDS, CONSTANTS, INFINITE), grown, max_leaves=6)
SCHEMA = "".join(f'<MiningField name="{name}"/>' for name in INPUTS)


@settings(some, max_examples=examples(200))
@given(expression=EXPRESSIONS)
@example(call("avg", call("ln", field("pH")), field("pH")))
@example(
    call(
        "pow",
        call("if", call("equal", field("pH"), field("pH")), value(0, "integer"), field("pH")),
        value(-1, "integer"),
    )
)
def test_an_expression(expression: str) -> None:
    content = document(derived("x", expression), schema=SCHEMA, inputs=INPUTS)
    try:
        found = differences(content, RECORDS)
    except ModelUnfit as refused:
        assert "what may be an integer or a double" in str(refused)  # for each record another one
        return
    assert found == []


# Zeros, the borders of integers and of doubles, what overflows: each function gets each combination of them.
ORDINARY = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, 0.49999999999999994)
EXTREME = (
    -(2.0**31),
    -(2.0**31) - 1,
    2.0**31 - 0.5,
    1e9,
    2.0**52 + 1,
    709.9,
    -745.2,
    1e200,
    1e308,
    math.inf,
    -math.inf,
)
INTEGERS = (0, 1, -1, 2, 3, 7, -7, 46341, 2**31 - 1, 1 - 2**31, -(2**31))
TEXTUAL = {"and", "or", "not", "if", "lowercase", "uppercase", "stringLength", "concat", "substring"}
TRUE_OR_FALSE = re.compile("equal|notEqual|less.*|greater.*|is.*")


@pytest.mark.parametrize("data_type", ["double", "float", "integer"])
@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - TEXTUAL))
def test_a_function_of_extreme_numbers(name: str, data_type: str) -> None:
    numbers = INTEGERS if data_type == "integer" else ORDINARY + EXTREME
    function = FUNCTIONS[name]
    for count in range(function.least, min(function.most or len(INPUTS), len(INPUTS)) + 1):
        inputs = INPUTS[:count]
        wines = np.zeros((len(numbers) ** count, len(WINE)))
        wines[:, [WINE.index(each) for each in inputs]] = list(itertools.product(numbers, repeat=count))
        expression = call(name, *map(field, inputs))
        if TRUE_OR_FALSE.fullmatch(name):
            expression = call("if", expression, value(1), value(0))
        schema = "".join(f'<MiningField name="{each}"/>' for each in inputs)
        fields = [f'<DataField name="{each}" optype="continuous" dataType="{data_type}"/>' for each in inputs]
        assert differences(document(derived("x", expression), schema=schema, inputs=fields), wines) == []


# Where the program that trained a model and JPMML disagree, the program is followed, and docs/models.md says so.
FOLLOWING_THE_TRAINING = {"vote_hard"}


@pytest.mark.skipif(not CASES, reason="the case documents are not here")
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case_document_scores_as_by_the_reference_or_is_refused(path: Path) -> None:
    if path.stem in FOLLOWING_THE_TRAINING:
        return
    wines = real_wines()[::7]
    descriptor = ModelDescriptor(name=path.stem, dataType="wine", modeltype="PMML", data=path.read_bytes())
    try:
        loaded = registry.load(descriptor)
    except ModelRejected as error:
        assert "; " in error.reason  # what is wrong; the remedy
        return
    try:
        theirs = JpmmlModel(checked(path.read_bytes())).score(wines)
    except ValueError as error:
        raise AssertionError(f"served, and the reference refuses it: {error}") from None
    rounded = b'x-mathContext="float"' in path.read_bytes()  # each step in float32, of which exp is not the same
    assert loaded.model.score(wines) == pytest.approx(theirs, rel=1e-6 if rounded else RELATIVE, nan_ok=True)
