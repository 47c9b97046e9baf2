"""Grades ac-6: the best of several models."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from types import ModuleType
from typing import Any

import numpy as np
import pykka
import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.actors import answered_with, no_answer
from model.features import Features
from serving.threads import start_in_daemon_thread

WINE = np.zeros((1, 11))
PATIENCE_S = 4.0
STANDSTILL_S = 2.0
"""For so long a busy machine may do nothing at all: no right answer is late for that."""
NAN = float("nan")

Expert = Callable[[Features], Any]


class ModelBroken(Exception):
    """What a played model raises."""


class Experts:
    """Played models, and the answer's way to choose among them."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._made: list[Any] = []
        self.never = threading.Event()

    def answer(self, value: float, confidence: float) -> "pykka.Future[Any]":
        """Of a model that has said this."""
        return answered_with(self._module.Opinion(value, confidence))

    def says(self, value: float, confidence: float) -> Expert:
        """A model that always says the same."""
        return lambda _: self._module.Opinion(value, confidence)

    def hangs(self, wine: Features) -> Any:
        """A model that never comes to an end."""
        self.never.wait()

    def fails(self, wine: Features) -> Any:
        """A model that raises."""
        raise ModelBroken

    def best(self, timeout_s: float, *experts: Expert) -> Any:
        """Of models named a, b, c, ...: model, value and confidence; None; or the error."""
        return self._score(self._module.BestOf(dict(zip("abcdef", experts, strict=False)), timeout_s), timeout_s)

    def best_answer(self, timeout_s: float, *answers: "pykka.Future[Any] | None") -> Any:
        """Likewise, of models that have answered already, or never will; None is a busy one."""
        names = [f"model {number}" for number in range(len(answers))]
        best_of = self._module.BestOf(dict.fromkeys(names, self.fails), timeout_s)
        best_of._ask = lambda name, _wine: answers[names.index(name)]
        return self._score(best_of, timeout_s)

    def _score(self, best_of: Any, timeout_s: float) -> Any:
        self._made.append(best_of)
        asking = start_in_daemon_thread("asking", lambda: best_of.score(WINE))
        if not wait([asking], PATIENCE_S).done:
            reject(
                "It waits longer than the time limit.",
                expected=f"an end after {timeout_s:g} s, even if no model answers",
                happened=f"it still waits after {PATIENCE_S:g} s",
                means="one model that hangs stops its partition for good",
            )
        try:
            found = asking.result()
        except (ModelBroken, pykka.Timeout) as error:
            return f"the error {error!r}"
        return None if found is None else (found.model, found.value, found.confidence)

    def close(self) -> None:
        """Let all actors end."""
        self.never.set()
        for each in self._made:
            each.close()


@pytest.fixture
def experts(answer: Answer) -> Iterator[Experts]:
    experts = Experts(answer.load())
    yield experts
    experts.close()


def test_the_surest_model_is_believed(experts: Experts) -> None:
    happened = experts.best(30.0, experts.says(5.0, 0.5), experts.says(6.0, 0.9), experts.says(7.0, 0.7))
    expect(
        happened == ("b", 6.0, 0.9),
        "The answer with the highest confidence is not taken.",
        expected=("b", 6.0, 0.9),
        happened=happened,
        means="the wine gets the score of a model that was less sure of it",
    )


def test_all_are_asked_at_once(experts: Experts) -> None:
    together = threading.Barrier(2)

    def waits_for_the_other(confidence: float) -> Expert:
        def scored(wine: Features) -> Any:
            together.wait(3.0)
            return experts.says(5.0, confidence)(wine)

        return scored

    happened = experts.best(30.0, waits_for_the_other(0.5), waits_for_the_other(0.3))
    expect(
        happened == ("a", 5.0, 0.5),
        "The models are asked one after the other.",
        expected="both models at work at the same time",
        happened="the second one is asked when the first has answered",
        means="a record waits for the sum of all models' times, and not for the slowest of them",
    )


def test_a_model_that_fails_takes_no_part(experts: Experts) -> None:
    happened = experts.best(30.0, experts.fails, experts.says(6.0, 0.9), experts.fails)
    expect(
        happened == ("b", 6.0, 0.9),
        "A model that fails costs the wine its score.",
        expected=("b", 6.0, 0.9),
        happened=happened,
        means="one broken model of several, and nothing is scored any more",
    )


def test_an_answer_in_time_counts_though_another_is_late(experts: Experts) -> None:
    happened = experts.best_answer(0.2, no_answer(), experts.answer(6.0, 0.9))
    expect(
        happened == ("model 1", 6.0, 0.9),
        "An answer that is there is lost, because another model is late.",
        expected=("model 1", 6.0, 0.9),
        happened=happened,
        means="one slow model of several, and nothing is scored any more",
    )


def test_all_models_share_one_time_limit(experts: Experts) -> None:
    began_s = time.monotonic()
    experts.best_answer(0.1, *[no_answer() for _ in range(30)])
    took_s = time.monotonic() - began_s
    expect(
        took_s < 0.5 + STANDSTILL_S,
        "Each model has the whole time limit for itself.",
        expected="about 0.1 s for 30 models that hang, with a limit of 0.1 s",
        happened=f"{took_s:.1f} s",
        means="the more models hang, the longer each record waits: the limit promises nothing",
    )


def test_a_busy_model_is_passed_over(experts: Experts) -> None:
    happened = experts.best_answer(0.1, None, experts.answer(6.0, 0.9))
    expect(
        happened == ("model 1", 6.0, 0.9),
        "A model that is still busy with a former wine costs the next one its score.",
        expected=("model 1", 6.0, 0.9),
        happened=happened,
        means="one slow record, and those behind it have no score",
    )


def test_without_an_answer_there_is_no_score(experts: Experts) -> None:
    happened = experts.best(0.05, experts.fails, experts.hangs)
    expect(
        happened is None,
        "There is a score, or an error, though no model has answered.",
        expected="None: one model failed, one is late",
        happened=happened,
        means="an invented quality goes to the scores topic, and nobody can tell it from a real one",
    )


def test_of_equal_ones_the_first_named_is_believed(experts: Experts) -> None:
    second_is_done = threading.Event()

    def slower(wine: Features) -> Any:
        second_is_done.wait(PATIENCE_S)
        return experts.says(5.0, 0.8)(wine)

    def faster(wine: Features) -> Any:
        second_is_done.set()
        return experts.says(6.0, 0.8)(wine)

    happened = experts.best(30.0, experts.says(3.0, 0.1), slower, faster)
    expect(
        happened == ("b", 5.0, 0.8),
        "Of two models that are equally sure, not the first one is believed.",
        expected="b, which was named before c, though c answered first",
        happened=happened,
        means="a record that is redelivered gets another score than the first time",
    )


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_a_value_that_is_no_number_takes_no_part(experts: Experts, value: float) -> None:
    happened = experts.best(30.0, experts.says(value, 0.9), experts.says(6.0, 0.2))
    expect(
        happened == ("b", 6.0, 0.2),
        "A value that is no finite number is taken for a score.",
        expected=("b", 6.0, 0.2),
        happened=happened,
        means="NaN goes to the scores topic, and every average that somebody makes of it is NaN",
    )


@pytest.mark.parametrize("confidence", [NAN, 1.5, -0.5])
def test_a_confidence_that_is_none_takes_no_part(experts: Experts, confidence: float) -> None:
    happened = experts.best(30.0, experts.says(5.0, confidence), experts.says(6.0, 0.2))
    alone = experts.best(30.0, experts.says(5.0, confidence))
    expect(
        happened == ("b", 6.0, 0.2) and alone is None,
        "A confidence that is not from 0 to 1 takes part.",
        expected="a says 5.0, b 6.0 with 0.2: b's is taken; and None if there is only a",
        happened=f"{happened}; {alone}, for a confidence of {confidence}",
        means="a model that cannot say how sure it is wins over all others",
    )


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_borders_are_confidences(experts: Experts, confidence: float) -> None:
    happened = experts.best(30.0, experts.says(5.0, confidence))
    expect(
        happened == ("a", 5.0, confidence),
        "A confidence of 0 or of 1 is refused.",
        expected=("a", 5.0, confidence),
        happened=happened,
        means="the answer of a model that is quite sure is thrown away",
    )
