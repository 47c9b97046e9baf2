"""What compiled models give, worked out by hand; the same rules against PMML4S are in ``test_equal_to_java.py``."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from model.features import WINE, Features, Values
from model.formats.pmml.compiled.compiler import CompiledModel, compiled
from model.formats.pmml.document import checked
from model.inputs import TYPICAL
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

ALCOHOL, PH = WINE.index("alcohol"), WINE.index("pH")


def model_of(content: bytes) -> CompiledModel:
    """The document's model, compiled."""
    return compiled(checked(content).root)


def wines(*alcohol: float) -> Features:
    """Typical wines with this much alcohol."""
    features = np.tile(TYPICAL[1], (len(alcohol), 1))
    features[:, ALCOHOL] = alcohol
    return features


def test_a_regression_is_the_sum_of_its_terms() -> None:
    model = model_of(pmml(regression({"alcohol": 0.5, "pH": -2.0}, exponents={"pH": 2}), ["pH", "alcohol"]))
    expected = 1 + 0.5 * TYPICAL[:, ALCOHOL] - 2 * TYPICAL[:, PH] ** 2
    assert model.score(TYPICAL) == pytest.approx(expected, rel=1e-15)


def test_how_a_document_came_about_does_not_matter() -> None:
    content = pmml(regression({"alcohol": 2.0}), ["alcohol"])
    content = content.replace(b"<Header/>", b"<Header><Any/></Header><MiningBuildTask><Extension/></MiningBuildTask>")
    assert model_of(content).score(wines(3.0)).tolist() == [7.0]


def test_names_with_spaces_as_in_the_real_table_are_understood() -> None:
    model = model_of(pmml(regression({"fixed acidity": 2.0}), ["fixed acidity"]))
    assert model.score(TYPICAL) == pytest.approx(1 + 2 * TYPICAL[:, 0], rel=1e-15)


@pytest.mark.parametrize(
    ("link", "value"),
    [
        ('linkFunction="identity"', -0.5),
        ('linkFunction="log"', math.exp(-0.5)),
        ('linkFunction="logit"', 1 / (1 + math.exp(0.5))),
        ('linkFunction="probit"', NormalDist().cdf(-0.5)),
        ('linkFunction="cloglog"', 1 - math.exp(-math.exp(-0.5))),
        ('linkFunction="loglog"', math.exp(-math.exp(0.5))),
        ('linkFunction="logc"', 1 - math.exp(-0.5)),
        ('linkFunction="power" linkParameter="-1"', -2.0),  # (-0.5) ** (1 / -1)
        ('linkFunction="oddspower" linkParameter="1"', 1 / 3),  # 1 / (1 + (1 - 0.5) ** -1)
        ('linkFunction="negbin" distParameter="2"', 1 / (2 * (math.exp(0.5) - 1))),
    ],
)
def test_a_general_regression_is_seen_through_its_link(link: str, value: float) -> None:
    cells = [("slope", "alcohol", 1)]
    more = f'modelType="generalizedLinear" {link}'
    model = model_of(pmml(general_regression(cells, {"one": 1.5, "slope": -0.25}, more), ["alcohol"]))
    assert model.score(wines(8.0)) == pytest.approx([value], rel=1e-12)  # 1.5 - 0.25 * 8 is -0.5


@pytest.mark.parametrize(
    ("method", "value"),  # of -0.5
    [
        ("none", -0.5),
        ("exp", math.exp(-0.5)),
        ("logit", 1 / (1 + math.exp(0.5))),
        ("softmax", 1 / (1 + math.exp(0.5))),
        ("probit", NormalDist().cdf(-0.5)),
        ("cloglog", 1 - math.exp(-math.exp(-0.5))),
        ("loglog", math.exp(-math.exp(0.5))),
        ("cauchit", 0.5 + math.atan(-0.5) / math.pi),
    ],
)
def test_a_regression_is_seen_through_its_normalisation(method: str, value: float) -> None:
    content = pmml(regression({"alcohol": -0.25}, 1.5, more=f'normalizationMethod="{method}"'), ["alcohol"])
    assert model_of(content).score(wines(8.0)) == pytest.approx([value], rel=1e-12)


def test_a_parameter_of_several_covariates_is_their_product() -> None:
    cells = [("both", "alcohol", 2), ("both", "pH", 1)]
    model = model_of(pmml(general_regression(cells, {"both": 0.5}, 'modelType="generalLinear"'), ["alcohol", "pH"]))
    assert model.score(TYPICAL) == pytest.approx(0.5 * TYPICAL[:, ALCOHOL] ** 2 * TYPICAL[:, PH], rel=1e-14)


BOUNDARY = np.float32(9.35)  # a little above 9.35, as a double


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [("lessThan", 1, 2, 2), ("lessOrEqual", 1, 1, 2), ("greaterThan", 2, 2, 1), ("greaterOrEqual", 2, 1, 1)],
)
def test_a_number_equal_to_the_boundary_goes_where_the_operator_says(
    operator: str, below: int, equal: int, above: int
) -> None:
    root = Node("2", children=(Node("1", name="alcohol", operator=operator, value="9.35"),))
    text = tree_model(root, ["alcohol"], "regression", falls_back=True)
    doubles = wines(math.nextafter(9.35, 0), 9.35, math.nextafter(9.35, 99))
    assert model_of(pmml(text, ["alcohol"])).score(doubles).tolist() == [below, equal, above]
    neighbours = [float(np.nextafter(BOUNDARY, np.float32(to))) for to in (0, 99)]
    floats = wines(neighbours[0], 9.35, float(BOUNDARY), math.nextafter(9.35, 0), neighbours[1])
    scores = model_of(pmml(text, ["alcohol"], data_type="float")).score(floats)
    assert scores.tolist() == [below, equal, equal, equal, above]


def test_a_number_too_large_for_a_float_is_above_every_boundary() -> None:
    root = Node("2", children=(Node("1", name="alcohol", value="9.35"),))
    text = tree_model(root, ["alcohol"], "regression", falls_back=True)
    assert model_of(pmml(text, ["alcohol"], data_type="float")).score(wines(1e300)).tolist() == [2]


def test_the_first_child_that_is_for_a_wine_takes_it() -> None:
    children = (
        Node("1", name="alcohol", value="9"),
        Node("2", name="pH", operator="greaterThan", value="9"),
        Node("3", name="alcohol", value="11", children=(Node("4", name="alcohol", value="10"),)),
    )
    inputs = ["alcohol", "pH"]
    for falls_back, otherwise in ((True, [3, 5]), (False, [math.nan, math.nan])):
        text = tree_model(Node("5", children=children), inputs, "regression", falls_back)
        scores = model_of(pmml(text, inputs)).score(wines(9.0, 10.0, 11.0, 12.0))
        assert scores == pytest.approx([1, 4, *otherwise], nan_ok=True)


def classified(leaf: Node, data_type: str = "integer") -> list[float]:
    """What a tree of this leaf alone gives one wine."""
    model = model_of(pmml(tree_model(leaf, ["alcohol"]), ["alcohol"], target_of("5", "6", "7", data_type=data_type)))
    return [float(label) for label in model.score(TYPICAL[:1])]


@pytest.mark.parametrize("data_type", ["integer", "double", "string"])
def test_a_leaf_s_own_score_decides_whatever_its_votes_are(data_type: str) -> None:
    assert classified(Node("5", {"5": 1, "6": 9}), data_type) == [5.0]


def test_a_leaf_without_a_score_gives_the_label_with_most_votes_and_of_equals_the_first() -> None:
    assert classified(Node(votes={"5": 1, "6": 9})) == [6.0]
    assert classified(Node(votes={"5": 1, "7": 4, "6": 4})) == [7.0]  # PMML 4.4, "Trees", "ScoreDistribution"


def stump(low: str, high: str) -> str:
    """A regression tree with a boundary at 10 % alcohol."""
    children = (Node(low, name="alcohol", value="10"), Node(high))
    return tree_model(Node("0", children=children), ["alcohol"], "regression")


@pytest.mark.parametrize(
    ("method", "targets", "expected"),
    [
        ("average", "", [3.0, 4.0]),  # (1 + 5) / 2, (6 + 2) / 2
        ("weightedAverage", "", [4.0, 3.0]),  # (1 + 3 * 5) / 4, (6 + 3 * 2) / 4
        ("sum", "", [6.0, 8.0]),
        ("sum", rescaled(0.5, 10.0), [13.0, 14.0]),
        ("average", rescaled(0.5, 10.0), [11.5, 12.0]),
    ],
)
def test_a_forest_puts_its_trees_together(method: str, targets: str, expected: list[float]) -> None:
    weights = [1, 3]
    text = forest(
        stump("1", "6"), stump("5", "2"), function="regression", method=method, weights=weights, targets=targets
    )
    assert model_of(pmml(text, ["alcohol"])).score(wines(9.0, 11.0)).tolist() == expected


def test_a_forest_of_any_depth_and_a_batch_of_any_size_are_walked_to_the_end() -> None:
    children = tuple(Node(str(n), name="alcohol", value=str(n)) for n in range(100))  # so many tests in a row
    text = tree_model(Node("100", children=children), ["alcohol"], "regression", falls_back=True)
    model = model_of(pmml(forest(text, stump("0", "0"), function="regression", method="sum"), ["alcohol"]))
    alcohol = np.random.default_rng(1).uniform(-0.5, 110, 20_000)
    assert model.score(wines(*alcohol)).tolist() == np.clip(np.ceil(alcohol), 0, 100).tolist()


def test_a_network_is_its_layers_one_after_the_other() -> None:
    layers = [([0.5, -1.0], [[0.1, 0.2], [-0.3, 0.4]]), ([0.25], [[2.0, -1.0]])]
    model = model_of(pmml(network(["pH", "alcohol"], layers, "tanh", last='activationFunction="identity"'), WINE))
    ph, alcohol = TYPICAL[:, PH], TYPICAL[:, ALCOHOL]
    expected = 0.25 + 2 * np.tanh(0.5 + 0.1 * ph + 0.2 * alcohol) - np.tanh(-1 - 0.3 * ph + 0.4 * alcohol)
    assert model.score(TYPICAL) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("method", "outputs", "label"),
    [
        ("none", (10.1, 8.6, 10.5), 7.0),
        ("softmax", (10.1, 8.6, 10.5), 7.0),
        ("softmax", (800.0, 900.0, 850.0), 6.0),
        ("simplemax", (10.1, 8.6, 10.5), 7.0),
        ("none", (-3.0, -1.0, -2.0), 6.0),
        ("simplemax", (-3.0, -1.0, -2.0), 5.0),  # shares of -6
        ("none", (0.0, 1e-20, 0.0), 6.0),
        ("softmax", (0.0, 1e-20, 0.0), 5.0),  # e to the power of either is 1 in double, and the first of equals wins
    ],
)
def test_a_network_of_labels_gives_the_one_with_the_largest_output(
    method: str, outputs: tuple[float, ...], label: float
) -> None:
    text = network(["pH"], [(outputs, [[0.0]] * 3)], "identity", ["5", "6", "7"], f'normalizationMethod="{method}"')
    assert model_of(pmml(text, ["pH"], target_of("5", "6", "7"))).score(TYPICAL).tolist() == [label] * 3


def test_what_overflows_is_infinite_without_a_warning_and_its_neighbour_has_its_score() -> None:
    model = model_of(pmml(regression({"alcohol": 1.0}, more='normalizationMethod="exp"'), ["alcohol"]))
    scores: Values = model.score(wines(1e4, -1.0))
    assert scores.tolist() == [math.inf, 1.0]
