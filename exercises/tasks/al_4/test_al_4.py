"""Grades al-4: a new model format behind the registry."""

import json
import sys
from typing import Any

import numpy as np
import pytest

from exercises.answers import Answer
from exercises.grading import expect
from model.features import WINE
from model.inputs import trial_wines

ONES = dict.fromkeys(WINE, 1.0)


@pytest.fixture
def load(answer: Answer) -> Any:
    """What loads a model of bytes."""
    return answer.load().linear_json


def written(intercept: object = 1.5, coefficients: object = ONES, **more: object) -> bytes:
    return json.dumps({"intercept": intercept, "coefficients": coefficients, **more}).encode()


def reason(load: Any, content: bytes) -> str | None:
    """Why a document is refused; None: it is not."""
    try:
        load(content)
    except ValueError as error:
        return str(error) or "no reason"
    return None


def test_a_linear_model_scores(load: Any) -> None:
    wines = trial_wines()
    coefficients = {name: (number + 1) / 8 for number, name in enumerate(WINE)}
    scores = load(written(1.5, coefficients)).score(wines)
    expected = 1.5 + wines @ np.array(list(coefficients.values()))
    expect(
        scores.shape == (len(wines),) and bool(np.allclose(scores, expected)),
        "A wine's score is not the intercept plus each feature times its coefficient.",
        expected=f"one score for each of {len(wines)} wines; the first {expected[0]:.4f}",
        happened=f"shape {scores.shape}; the first {np.ravel(scores)[:1]}",
        means="the model that serves is not the one that was trained",
    )


def test_coefficients_belong_to_the_features_that_they_name(load: Any) -> None:
    wines = trial_wines()
    scores = load(written(1.5, {"alcohol": 0.5, "pH": -2.0})).score(wines)
    expected = 1.5 + 0.5 * wines[:, WINE.index("alcohol")] - 2.0 * wines[:, WINE.index("pH")]
    expect(
        bool(np.allclose(scores, expected)),
        "A coefficient was given to another feature than the one that it names.",
        expected=f"1.5 + 0.5 alcohol - 2 pH = {expected[0]:.4f}, all other features without weight",
        happened=f"{scores[0]:.4f}",
        means="every score is a number, none is right, and nobody sees an error",
    )


def test_names_may_have_spaces(load: Any) -> None:
    refused = reason(load, written(1.5, {"free sulfur dioxide": 0.5}))
    expect(
        refused is None,
        "A feature's name as it stands in UCI's file, with spaces, is refused.",
        expected="free sulfur dioxide is free_sulfur_dioxide",
        happened=refused,
        means="models of everybody who trained on the original file go to the dead letters",
    )


@pytest.mark.parametrize("number", [2, 0, -2.5, sys.float_info.max])
def test_every_finite_number_is_one(load: Any, number: float) -> None:
    refused = reason(load, written(1, {"alcohol": number}))
    expect(
        refused is None,
        "A number is refused that is one, and is finite.",
        expected=f"an intercept of 1, a coefficient of {number}",
        happened=refused,
        means="a good model is refused, because of a coefficient that is 2 and not 2.0",
    )


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"intercept: 1.5", b"\x80\x04K\x01."])
def test_what_is_no_json_is_refused_with_a_reason(load: Any, content: bytes) -> None:
    expect(
        reason(load, content) is not None,
        "Bytes that are no JSON were taken for a model.",
        expected="a ModelUnfit",
        happened=f"{content!r} was accepted",
        means="the current model is replaced by rubbish",
    )


def test_what_is_nested_too_deeply_is_refused_with_a_reason(load: Any) -> None:
    content = b"[" * 200_000
    expect(
        reason(load, content) is not None,
        "JSON that is nested 200,000 times was taken for a model.",
        expected="a ModelUnfit",
        happened="it was accepted",
        means="the current model is replaced by rubbish",
    )


@pytest.mark.parametrize(
    "content", [b"[]", b"5", b"null", b'"intercept coefficients"', b'["intercept", "coefficients"]']
)
def test_json_that_is_no_object_is_refused_with_a_reason(load: Any, content: bytes) -> None:
    expect(
        reason(load, content) is not None,
        "JSON that is no object was taken for a model.",
        expected="a ModelUnfit",
        happened=f"{content!r} was accepted",
        means="the current model is replaced by rubbish",
    )


@pytest.mark.parametrize("content", [b"{}", b'{"intercept": 1.5}', b'{"coefficients": {"alcohol": 1.0}}'])
def test_an_object_that_lacks_a_part_is_refused_with_a_reason(load: Any, content: bytes) -> None:
    expect(
        reason(load, content) is not None,
        "A document that lacks its intercept or its coefficients was taken for a model.",
        expected="a ModelUnfit: nothing is guessed",
        happened=f"{content!r} was accepted",
        means="a file that was cut off, or written by another tool, scores all wines alike",
    )


def test_a_key_too_many_is_refused_with_a_reason(load: Any) -> None:
    expect(
        reason(load, written(link="logit")) is not None,
        "A key that this format does not have was ignored.",
        expected="a ModelUnfit",
        happened='"link": "logit" was ignored',
        means="the author meant a logistic model: every score is wrong, and nobody is told",
    )


@pytest.mark.parametrize("coefficients", [[0.5, 0.25], 5, None, "alcohol"])
def test_coefficients_without_names_are_refused_with_a_reason(load: Any, coefficients: object) -> None:
    expect(
        reason(load, written(1.5, coefficients)) is not None,
        "Coefficients that are no object were accepted.",
        expected="a ModelUnfit: which number belongs to which feature is not said",
        happened=f"{coefficients!r} was accepted",
        means="the coefficients go to the wrong features",
    )


def test_an_unknown_feature_is_refused_by_its_name(load: Any) -> None:
    said = reason(load, written(1.5, {"alcohol": 0.5, "colour": 0.25}))
    expect(
        said is not None and "colour" in said,
        "A coefficient of a feature that no record has is not refused by its name.",
        expected="a ValueError that names 'colour', as columns_of raises it",
        happened=said or "it was accepted",
        means="a part of the model is left out, and the scores are another model's",
    )


@pytest.mark.parametrize("number", ["0.5", "abc", None, [0.5], {"value": 0.5}])
def test_a_coefficient_that_is_no_number_is_refused_by_its_name(load: Any, number: object) -> None:
    said = reason(load, written(1.5, {"pH": 0.5, "alcohol": number}))
    expect(
        said is not None and "alcohol" in said,
        "A coefficient that is no number is not refused by its feature's name.",
        expected="a ModelUnfit that names 'alcohol'",
        happened=said or f"{number!r} was accepted",
        means="the author of a model with 500 numbers is not told which one to look at",
    )


def test_true_is_no_number(load: Any) -> None:
    said = reason(load, written(1.5, {"pH": 0.5, "alcohol": True}))
    expect(
        said is not None and "alcohol" in said,
        "true was taken for a number.",
        expected="a ModelUnfit that names 'alcohol': in Python True is a kind of int",
        happened=said or "it counts as 1",
        means="a mistake in an export becomes a coefficient of 1",
    )


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" + 400 * b"0"])
def test_a_coefficient_that_is_not_finite_is_refused_by_its_name(load: Any, number: bytes) -> None:
    said = reason(load, b'{"intercept": 1.5, "coefficients": {"pH": 0.5, "alcohol": ' + number + b"}}")
    expect(
        said is not None and "alcohol" in said,
        "A coefficient that is not finite is not refused by its feature's name.",
        expected="a ModelUnfit that names 'alcohol'",
        happened=said or f"{number[:20].decode()} was accepted",
        means="no record gets a score: all of them go to the dead letters",
    )


@pytest.mark.parametrize("number", [b'"1.5"', b"null", b"true", b"NaN", b"1e999", b"-1e999", b"1" + 400 * b"0"])
def test_an_intercept_that_is_no_finite_number_is_refused_by_its_name(load: Any, number: bytes) -> None:
    said = reason(load, b'{"intercept": ' + number + b', "coefficients": {"alcohol": 0.5}}')
    expect(
        said is not None and "intercept" in said.partition(";")[0],
        "An intercept that is no finite number is not refused by its name.",
        expected="a ModelUnfit whose problem names the intercept",
        happened=said or f"{number[:20].decode()} was accepted",
        means="no record gets a score, or the author is not told why",
    )
