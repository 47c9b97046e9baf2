"""Compiled models against PMML4S, on the models that are shipped and on models that hypothesis makes.

Numbers that a float field can hold exactly are the same to both; for others see ``compiled/compiler.py``.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.wines.source import GeneratedWines
from model.features import WINE, Features, Values
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.formats.pmml.java_model import JavaModel
from model.inputs import TYPICAL
from tests.support.exploring import examples
from tests.support.pmml_text import (
    Node,
    forest,
    general_regression,
    network,
    pmml,
    regression,
    rescaled,
    target_of,
    tree_model,
)
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
INPUTS = ("alcohol", "pH", "sulphates")
LABELS = ("5", "6", "7")

# Quarters: so few that many wines sit on a boundary, and both float and double hold them exactly.
QUARTERS = np.random.default_rng(7).integers(-4, 5, size=(120, len(WINE))) / 4

# Thousands of scores by PMML4S on Java, a second opinion: what each model must give is said by hand elsewhere, too.
pytestmark = pytest.mark.thorough
cheaply = settings(max_examples=examples(25))


def both(content: bytes, wines: Features) -> tuple[Values, Values]:
    """What the compiled model gives, and what PMML4S gives."""
    document = checked(content)
    return compiled(document.root).score(wines), JavaModel(document, "").score(wines)


def by_hand(root: Node, falls_back: bool) -> list[float]:
    """What a tree gives QUARTERS, node by node."""
    return [root.scored(dict(zip(WINE, wine, strict=True)), falls_back) for wine in QUARTERS.tolist()]


@pytest.mark.parametrize("file", sorted(path.name for path in MODELS.glob("*.pmml")))
def test_a_shipped_model_scores_as_on_java(file: str) -> None:
    spread = TYPICAL[1] * np.random.default_rng(5).uniform(0.5, 2.0, size=(500, len(WINE)))
    wines = np.concatenate([TYPICAL, GeneratedWines(2012).batch(500).features, spread])
    here, there = both((MODELS / file).read_bytes(), wines)
    assert here == pytest.approx(there, rel=0, abs=1e-9)


def nodes(scores: st.SearchStrategy[str], votes: st.SearchStrategy[dict[str, float]]) -> st.SearchStrategy[Node]:
    """Trees of up to four levels, with any number of children per node."""

    def predicated(children: st.SearchStrategy[tuple[Node, ...]]) -> st.SearchStrategy[Node]:
        return st.builds(
            Node,
            scores,
            votes,
            children,
            st.sampled_from(INPUTS),
            st.sampled_from(("lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual")),
            st.integers(-4, 4).map(lambda quarters: str(quarters / 4)),
        )

    def grown(smaller: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        some = st.lists(smaller, min_size=1, max_size=3).map(tuple)
        # the last child is often for all the others, as exporters write it
        rest = st.builds(lambda nodes, last: (*nodes, Node(last.score, last.votes, last.children)), some, smaller)
        return predicated(st.one_of(some, rest))

    inner = st.recursive(predicated(st.just(())), grown, max_leaves=10)
    return st.builds(Node, scores, votes, st.lists(inner, max_size=3).map(tuple))


NUMBERS = st.integers(-999, 999).map(lambda thousandths: repr(thousandths / 1000))
REGRESSION_TREES = nodes(NUMBERS, st.just({}))


@cheaply
@given(root=REGRESSION_TREES, falls_back=st.booleans(), data_type=st.sampled_from(("float", "double")))
def test_a_regression_tree(root: Node, falls_back: bool, data_type: str) -> None:
    text = tree_model(root, INPUTS, "regression", falls_back)
    here, there = both(pmml(text, INPUTS, data_type=data_type), QUARTERS)
    assert here == pytest.approx(there, rel=1e-9, abs=1e-9, nan_ok=True)
    assert here.tolist() == pytest.approx(by_hand(root, falls_back), rel=0, abs=0, nan_ok=True)


@cheaply
@given(root=nodes(st.sampled_from(LABELS), st.just({})), falls_back=st.booleans())
def test_a_classification_tree(root: Node, falls_back: bool) -> None:
    text = tree_model(root, INPUTS, falls_back=falls_back)
    here, there = both(pmml(text, INPUTS, target_of(*LABELS)), QUARTERS)
    assert here.tolist() == pytest.approx(there.tolist(), nan_ok=True)
    assert here.tolist() == pytest.approx(by_hand(root, falls_back), nan_ok=True)


@cheaply
@given(
    roots=st.lists(REGRESSION_TREES, min_size=1, max_size=5),
    method=st.sampled_from(("average", "weightedAverage", "sum")),
    weights=st.lists(st.integers(1, 9), min_size=5, max_size=5),
    rescaling=st.one_of(st.none(), st.tuples(st.floats(-9, 9), st.floats(-9, 9))),
)
def test_a_forest(roots: list[Node], method: str, weights: list[int], rescaling: tuple[float, float] | None) -> None:
    trees = [tree_model(root, INPUTS, "regression", falls_back=True) for root in roots]
    targets = "" if rescaling is None else rescaled(*rescaling)
    text = forest(*trees, inputs=INPUTS, function="regression", method=method, weights=weights, targets=targets)
    here, there = both(pmml(text, INPUTS), QUARTERS)
    assert here == pytest.approx(there, rel=1e-9, abs=1e-9)
    each = np.array([by_hand(root, falls_back=True) for root in roots])
    shares = np.array(weights[: len(roots)]) if method == "weightedAverage" else np.ones(len(roots))
    sums = (each * shares[:, None]).sum(axis=0) / (1 if method == "sum" else shares.sum())
    factor, summand = rescaling or (1, 0)
    assert here == pytest.approx(sums * factor + summand, rel=1e-9, abs=1e-9)


# Sixteenths, so that the sums are exact and a tie is one in any order of additions.
SIXTEENTHS = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(
    lambda n: dict(zip(LABELS, (float(n[0]), float(n[1]), 16.0 - sum(n)), strict=True))
)


@cheaply
@given(
    roots=st.sampled_from((1, 2, 4)).flatmap(
        lambda n: st.lists(nodes(st.just("5"), SIXTEENTHS), min_size=n, max_size=n)
    )
)
def test_a_forest_that_votes_with_all_labels_in_order(roots: list[Node]) -> None:
    trees = [tree_model(root, INPUTS, falls_back=True) for root in roots]
    here, there = both(pmml(forest(*trees, inputs=INPUTS), INPUTS, target_of(*LABELS)), QUARTERS)
    assert here.tolist() == there.tolist()


COEFFICIENTS = st.dictionaries(st.sampled_from(INPUTS), st.floats(-2, 2), min_size=1)


@cheaply
@given(
    coefficients=COEFFICIENTS,
    intercept=st.floats(-2, 2),
    exponents=st.dictionaries(st.sampled_from(INPUTS), st.integers(1, 3)),
    method=st.sampled_from(("none", "exp", "logit", "softmax")),
    rescaling=st.sampled_from(("", rescaled(2.0, -1.0))),
)
def test_a_regression(
    coefficients: dict[str, float], intercept: float, exponents: dict[str, int], method: str, rescaling: str
) -> None:
    exponents = {name: exponent for name, exponent in exponents.items() if name in coefficients}
    text = regression(coefficients, intercept, exponents, f'normalizationMethod="{method}"')
    text = text.replace("</MiningSchema>", f"</MiningSchema>{rescaling}")
    here, there = both(pmml(text, list(coefficients)), QUARTERS)
    assert here == pytest.approx(there, rel=1e-9, abs=1e-9)


LINKS = ("identity", "log", "logit", "probit", "cloglog", "loglog", "logc")
PARAMETRIC = ('power" linkParameter="2', 'oddspower" linkParameter="2', 'negbin" distParameter="2')


@cheaply
@given(
    betas=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    cells=st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from(INPUTS), st.integers(1, 2)), min_size=1),
    link=st.sampled_from(LINKS + PARAMETRIC),
)
def test_a_general_regression(betas: tuple[float, ...], cells: set[tuple[str, str, int]], link: str) -> None:
    once = list({(parameter, name): (parameter, name, power) for parameter, name, power in sorted(cells)}.values())
    named = dict(zip(("one", "a", "b"), betas, strict=True))
    text = general_regression(once, named, f'modelType="generalizedLinear" linkFunction="{link}"')
    here, there = both(pmml(text, sorted({name for _, name, _ in once})), QUARTERS)
    finite = np.isfinite(there)  # a negative number has no square root; what then is said is no score to either
    assert finite.tolist() == np.isfinite(here).tolist()
    assert here[finite] == pytest.approx(there[finite], rel=1e-9, abs=1e-9)


ACTIVATIONS = ("identity", "logistic", "tanh", "rectifier", "exponential", "reciprocal", "square", "sine", "cosine")


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "Gauss", "Elliott", "arctan"])
@pytest.mark.parametrize("labels", [(), LABELS])
def test_a_network(activation: str, labels: Sequence[str]) -> None:
    sizes = (len(INPUTS), 4, 3, len(labels) or 1)
    rng = np.random.default_rng(len(activation))
    layers = [
        (rng.uniform(-1, 1, n).tolist(), rng.uniform(-1, 1, (n, before)).tolist()) for before, n in pairwise(sizes)
    ]
    last = 'activationFunction="identity" normalizationMethod="softmax"' if labels else ""
    text = network(INPUTS, layers, activation, labels, last)
    here, there = both(pmml(text, INPUTS, *([target_of(*labels)] if labels else [])), QUARTERS)
    assert not math.isnan(here.sum())
    assert here == pytest.approx(there, rel=1e-9, abs=1e-9)
