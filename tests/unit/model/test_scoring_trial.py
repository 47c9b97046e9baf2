"""A model gives a wine the same score alone, in company, in any order, and again - or it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from model import scoring_trial
from model.features import WINE, Features, Values
from model.formats.onnx_model import OnnxModel
from model.inputs import TYPICAL, trial_wines
from model.model import Model

ALCOHOL = WINE.index("alcohol")


@dataclass
class Rule:
    """A model that is a function of a batch and of how many there were before."""

    rule: Callable[[Features, int], Values]
    calls: int = field(default=0)

    def score(self, features: Features) -> Values:
        """See ``model.model.Model``."""
        self.calls += 1
        return self.rule(features, self.calls)

    def close(self) -> None:
        """Nothing to release."""


def refused(rule: Callable[[Features, int], Values]) -> str:
    """Why a trial refuses the model of this rule."""
    with pytest.raises(ValueError, match="; ") as caught:
        scoring_trial.check(Rule(rule))
    return str(caught.value)


def refusal(model: Model) -> str | None:
    """What a trial finds wrong with it, if anything."""
    try:
        scoring_trial.check(model)
    except ValueError as error:
        return str(error)
    return None


def alcohol(features: Features) -> Values:
    """What the rules here start from."""
    values: Values = features[:, ALCOHOL].copy()
    return values


def test_the_wines_of_a_trial_differ_in_each_feature_and_are_no_number_that_an_author_would_fix() -> None:
    wines = trial_wines()
    assert len(wines) == len(np.unique(wines, axis=0)) == 23
    assert np.array_equal(wines[:3], TYPICAL)
    assert all(len(np.unique(column)) >= 13 for column in wines.T)  # 14 whole numbers from 7 to 21


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda wines, _: alcohol(wines), id="a regression"),
        pytest.param(
            lambda wines, _: np.where(abs(alcohol(wines) - 10.7) < 0.3, np.nan, alcohol(wines)), id="no answer for some"
        ),
        pytest.param(lambda wines, _: alcohol(wines) * np.float64(1 + 1e-8 * len(wines) / 211), id="rounding"),
        pytest.param(lambda wines, _: 1e4 * wines[:, 7] - 9960 + 5e-4 * len(wines) / 211, id="large terms cancel"),
        pytest.param(lambda wines, _: np.round(alcohol(wines)), id="labels"),
        pytest.param(lambda wines, _: np.zeros(len(wines)), id="always zero"),
    ],
)
def test_a_model_that_depends_on_nothing_else_passes(rule: Callable[[Features, int], Values]) -> None:
    assert refusal(Rule(rule)) is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        pytest.param(
            lambda wines, _: alcohol(wines) - alcohol(wines).mean(),
            "gives 23 of 23 wines another score alone: wine 0 (alcohol 9.5) 0, but ",
            id="an average of the batch",
        ),
        pytest.param(
            lambda wines, _: alcohol(wines) + 4e-5 * (len(wines) == 1),
            "gives 23 of 23 wines another score alone: wine 0 (alcohol 9.5) 9.50004, but 9.5 among 23; export it in",
            id="a hundred-thousandth",
        ),
        pytest.param(
            lambda wines, _: alcohol(wines) + np.arange(len(wines)) * 0.1,
            "gives 22 of 23 wines another score among 23 in another order: wine 0 (alcohol 9.5) 11.7, but 9.5 among 23",
            id="a place in the batch",
        ),
        pytest.param(
            lambda wines, call: alcohol(wines) + 0.5 * (call % 2),
            "gives 23 of 23 wines another score a second time: wine 0 (alcohol 9.5) 9.5, but 10 among 23; ",
            id="another time",
        ),
        pytest.param(
            lambda wines, _: np.where(np.arange(len(wines)) < 64, alcohol(wines), np.nan),
            "gives 147 of 211 wines another score in a batch of 211: wine 64 ",
            id="64 at most",
        ),
        pytest.param(
            lambda wines, _: alcohol(wines) + (len(wines) == 7) * (alcohol(wines) > 10.5),
            "wines another score in a batch of 7: wine 2 (alcohol 11.1) 12.1, but 11.1 among 23; ",
            id="one size",
        ),
        pytest.param(
            lambda wines, _: np.where(len(wines) == 1, np.nan, alcohol(wines)),
            "gives 23 of 23 wines another score alone: wine 0 (alcohol 9.5) nan, but 9.5 among 23; ",
            id="none alone",
        ),
        pytest.param(
            lambda wines, _: alcohol(wines)[:3],
            "gives scores of shape [3] for 23 wines; one number for each is needed: export it with a dynamic",
            id="three scores",
        ),
        pytest.param(
            lambda wines, _: alcohol(wines) if len(wines) == 23 else alcohol(wines)[:, None],
            "scores 23 wines together, but not alone: gives scores of shape [1, 1] for 1 wines; ",
            id="another shape alone",
        ),
        pytest.param(
            lambda wines, _: np.where(wines[:, ALCOHOL] == 10.2, np.nan, alcohol(wines)),
            "scores typical wines as [9.5, nan, 11.1]; one finite number for each is needed: train it on",
            id="no score for a typical wine",
        ),
    ],
)  # fmt: skip
def test_a_score_that_depends_on_anything_else_is_named(rule: Callable[[Features, int], Values], reason: str) -> None:
    assert reason in refused(rule)


def graph(nodes: list[Any], *constants: Any, batch: int | str = "N") -> bytes:
    """A model of these nodes from ``x`` to ``y``."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, len(WINE)])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 1])
    made = helper.make_graph(nodes, "wine", [x], [y], list(constants))
    content: bytes = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content


PICK = helper.make_node("Gather", ["x", "column"], ["alcohol"], axis=1)
COLUMN = numpy_helper.from_array(np.array([ALCOHOL]), "column")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            graph(
                [
                    PICK,
                    helper.make_node("ReduceMean", ["alcohol"], ["mean"], axes=[0], keepdims=1),
                    helper.make_node("Sub", ["alcohol", "mean"], ["y"]),
                ],
                COLUMN,
            ),
            "another score alone: wine 0 .alcohol 9.5. 0, but -",
            id="the average of a batch",
        ),
        pytest.param(
            graph([PICK, helper.make_node("CumSum", ["alcohol", "axis"], ["y"])], COLUMN,
                  numpy_helper.from_array(np.array(0), "axis")),
            "another score among 23 in another order",
            id="a sum along the batch",
        ),
        pytest.param(
            graph([PICK, helper.make_node("Softmax", ["alcohol"], ["y"], axis=0)], COLUMN),
            "another score alone",
            id="softmax over the wrong axis",
        ),
    ],
)  # fmt: skip
def test_a_graph_that_mixes_its_records_is_found_out(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scoring_trial.check(OnnxModel(content))


@pytest.mark.parametrize("size", [2, 3, 7, 23, 64, 211])
def test_a_batch_dimension_that_is_fixed_at_any_size_but_one_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"fixed at {size}, and records come in batches of any size; export it with a"):
        OnnxModel(graph([PICK, helper.make_node("Identity", ["alcohol"], ["y"])], COLUMN, batch=size))


@pytest.mark.parametrize("size", [2, 3, 7, 23, 64, 211])
def test_and_so_is_one_that_is_fixed_inside_the_graph(size: int) -> None:
    shape = numpy_helper.from_array(np.array([size, 1]), "shape")
    with pytest.raises(ValueError, match=r"onnxruntime cannot score with it|together, but not alone"):
        scoring_trial.check(
            OnnxModel(graph([PICK, helper.make_node("Reshape", ["alcohol", "shape"], ["y"])], COLUMN, shape))
        )


def test_a_batch_dimension_fixed_at_one_passes() -> None:
    model = OnnxModel(graph([PICK, helper.make_node("Identity", ["alcohol"], ["y"])], COLUMN, batch=1))
    assert refusal(model) is None
