"""Grades cs-5: roll back to the previous model."""

from collections.abc import Sequence
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from model.features import Features, Values
from model.model import LoadedModel


class Closable:
    """A model that is only closed."""

    def __init__(self) -> None:
        self.closed = 0  # how often
        self.history: Any = None
        self.closed_while_kept = False

    def score(self, features: Features) -> Values:
        """See ``Model``."""
        return features[:, 0]

    def close(self) -> None:
        """See ``Model``; whether a query would still have found it."""
        self.closed += 1
        if self.history is not None and any(each.model is self for each in self.history.models):
            self.closed_while_kept = True


@pytest.fixture
def history(answer: Answer) -> Any:
    """Two earlier models can be rolled back to."""
    return answer.load().History(max_earlier=2)


def models(history: Any, names: str) -> Sequence[LoadedModel]:
    """A model for each letter, accepted in this order."""
    made = [LoadedModel(name, "", "wine", "ONNX", Closable()) for name in names]
    for each in made:
        model: Any = each.model
        model.history = history
        history.accept(each)
    return made


def names(loaded: Sequence[LoadedModel]) -> str:
    return " ".join(each.name for each in loaded) or "none"


def closed(loaded: Sequence[LoadedModel]) -> dict[str, int]:
    """How often each was closed."""
    counts = {}
    for each in loaded:
        model: Any = each.model
        counts[each.name] = model.closed
    return counts


def test_a_model_that_arrives_is_active(history: Any) -> None:
    models(history, "AB")
    expect(
        names(history.models) == "A B",
        "Two models have arrived, and the history does not have both, the newer one last.",
        expected="models: A B",
        happened=f"models: {names(history.models)}",
        means="the new model does not serve, or the one before it is gone when it is needed",
    )


def test_the_history_is_bounded(history: Any) -> None:
    models(history, "ABCD")
    expect(
        len(history.models) <= 3,
        "More models are kept than the active one and max_earlier before it.",
        expected="after A B C D with max_earlier=2: B C D",
        happened=f"models: {names(history.models)}",
        means="each new model takes memory that is never given back: one day the process is killed",
    )


def test_the_history_has_as_many_as_it_may(history: Any) -> None:
    models(history, "ABCD")
    expect(
        len(history.models) == 3,
        "Fewer models are kept than max_earlier allows.",
        expected="after A B C D with max_earlier=2: B C D",
        happened=f"models: {names(history.models)}",
        means="the operator wants the model before the last one back, and it is gone",
    )


def test_the_oldest_model_goes(history: Any) -> None:
    models(history, "ABCD")
    expect(
        names(history.models) == "B C D",
        "The history is full, and a newer model had to go in place of the oldest.",
        expected="after A B C D with max_earlier=2: B C D",
        happened=f"models: {names(history.models)}",
        means="the new model never serves, and what can be rolled back to is from last year",
    )


def test_a_model_that_can_be_rolled_back_to_stays_open(history: Any) -> None:
    loaded = models(history, "ABC")
    expect(
        closed(loaded) == {"A": 0, "B": 0, "C": 0},
        "A model was closed although it can be rolled back to.",
        expected="with max_earlier=2, after A B C none is closed",
        happened=f"closed, and how often: {closed(loaded)}",
        means="after the roll back every record goes to the dead letters: its model is closed",
    )


def test_a_model_that_is_too_old_is_closed(history: Any) -> None:
    loaded = models(history, "ABCD")
    expect(
        bool(closed(loaded)["A"]),
        "A model that has become too old was not closed.",
        expected="after A B C D with max_earlier=2, A is closed",
        happened=f"closed, and how often: {closed(loaded)}",
        means="a native library's memory is not freed by Python: 100 MB leak with each model",
    )


def test_a_roll_back_activates_the_model_before(history: Any) -> None:
    models(history, "AB")
    history.roll_back()
    expect(
        names(history.models) == "A",
        "After a roll back the model before is not the active one.",
        expected="after A B and a roll back: A",
        happened=f"models: {names(history.models)}",
        means="the bad model goes on scoring, or none does",
    )


def test_a_model_that_was_rolled_back_is_closed(history: Any) -> None:
    loaded = models(history, "AB")
    history.roll_back()
    expect(
        closed(loaded)["B"] > 0,
        "The model that was rolled back was not closed.",
        expected="after A B and a roll back, B is closed: it can never be active again",
        happened=f"closed, and how often: {closed(loaded)}",
        means="each bad model stays in memory until the process ends",
    )
    expect(
        closed(loaded)["A"] == 0,
        "The model that a roll back activates was closed.",
        expected="A is active, and open",
        happened=f"closed, and how often: {closed(loaded)}",
        means="from the roll back on, every record goes to the dead letters",
    )


def test_nothing_is_closed_twice(history: Any) -> None:
    loaded = models(history, "ABCD")
    history.roll_back()
    loaded = [*loaded, *models(history, "EF")]
    history.close()
    twice = [name for name, count in closed(loaded).items() if count > 1]
    expect(
        not twice,
        "A model was closed twice.",
        expected="each model is closed exactly once in its life",
        happened=f"closed, and how often: {closed(loaded)}",
        means="a native library frees the same memory twice, and the process crashes",
    )
    expect(
        all(closed(loaded).values()),
        "After close() a model is still open.",
        expected="all are closed, the active one, too",
        happened=f"closed, and how often: {closed(loaded)}",
        means="a process that starts and stops servers, as tests do, runs out of memory",
    )


def test_no_query_finds_a_closed_model(history: Any) -> None:
    loaded = models(history, "AB")
    history.roll_back()
    models_closed: list[Any] = [each.model for each in loaded]
    expect(
        not any(each.closed_while_kept for each in models_closed),
        "A model was closed while history.models still had it.",
        expected="first self._models without it, then its close()",
        happened="while B was closed, B was still the active model",
        means="a request over HTTP is scored by a closed model, and fails",
    )


def test_a_history_without_earlier_models_has_the_active_one_alone(answer: Answer) -> None:
    history = answer.load().History(max_earlier=0)
    loaded = models(history, "AB")
    expect(
        names(history.models) == "B" and closed(loaded) == {"A": 1, "B": 0},
        "With max_earlier=0 the history is not just the active model.",
        expected="models: B, and A is closed once",
        happened=f"models: {names(history.models)}; closed, and how often: {closed(loaded)}",
        means="somebody who has no memory to spare sets 0, and gets a history without a bound",
    )
