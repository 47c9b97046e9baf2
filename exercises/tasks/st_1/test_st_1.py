"""Grades st-1: a record without a model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.wines import ALCOHOL, NO_SCORE, wines

THREE = wines((0, 7, 9.4), (0, 8, 10.0), (0, 9, 11.0)).features
NEW = np.array([True, True, True])
FIRST_REDELIVERED = np.array([False, True, True])
ALL_REDELIVERED = np.array([False, False, False])


@pytest.fixture
def state(answer: Answer) -> Any:
    """No model yet; 5 records are skipped already, and 2 are dead letters."""
    return replace(answer.load().ServingState("wine"), skipped=5, dead_letters=2)


@pytest.fixture
def served(state: Any) -> Any:
    """The same with a model."""
    return state.accept(ALCOHOL, 1_700_000_000_000)


def test_without_a_model_nothing_is_scored(state: Any) -> None:
    _, scores = state.score(THREE)
    expect(
        scores.values is None and scores.model_name is None,
        "Records have scores, and no model has arrived.",
        expected="no values and no model's name: None, both",
        happened=scores,
        means="readers of the scores topic take the guess for the quality of a wine, and cannot tell",
    )


def test_every_record_without_a_model_is_counted(state: Any) -> None:
    after, _ = state.score(THREE)
    expect(
        after.skipped == 8,
        "The counter of skipped records is wrong after a batch of three.",
        expected="5 skipped before, and 3 now: 8",
        happened=after.skipped,
        means="nobody sees how many wines have no score because their model came late",
    )


def test_a_skipped_record_is_counted_once_only(state: Any) -> None:
    after, _ = state.score(THREE)
    counted = (after.usage, after.dead_letters)
    expect(
        counted == (0, 2),
        "A skipped record is counted as something else, too.",
        expected="usage 0 and 2 dead letters, as before",
        happened=f"usage {counted[0]} and {counted[1]} dead letters",
        means="scored, skipped and rejected no longer add up to the records that arrived",
    )


@pytest.mark.parametrize(("uncounted", "skipped"), [(FIRST_REDELIVERED, 7), (ALL_REDELIVERED, 5), (NEW, 8)])
def test_a_redelivered_record_is_not_counted_again(state: Any, uncounted: Any, skipped: int) -> None:
    after, _ = state.score(THREE, uncounted=uncounted)
    expect(
        after.skipped == skipped,
        "The counter of skipped records is wrong where records are redelivered.",
        expected=f"{skipped}: 5 before, and each True in {uncounted.tolist()} is one more",
        happened=after.skipped,
        means="after every kill -9 the counter shows records that never were, or lacks some",
    )


def test_skipping_takes_no_time(state: Any) -> None:
    _, scores = state.score(THREE)
    expect(
        scores.duration_ms == 0,
        "A skipped batch has a scoring time.",
        expected="0.0 ms: no model was called",
        happened=scores.duration_ms,
        means="the latency that is reported is of work that nobody did",
    )


def test_with_a_model_every_record_is_scored(served: Any) -> None:
    after, scores = served.score(THREE)
    values = None if scores.values is None else scores.values.tolist()
    expect(
        values == [9.4, 10.0, 11.0] and after.usage == 3,
        "There is a model, and the records are not scored by it.",
        expected="the scores [9.4, 10.0, 11.0], and usage 3",
        happened=f"{values}, and usage {after.usage}",
        means="the server skips records although it could score them",
    )


def test_with_a_model_new_records_without_a_score_are_counted_once(served: Any) -> None:
    batch = wines((0, 7, NO_SCORE), (0, 8, NO_SCORE), (0, 9, 11.0)).features
    for uncounted, expected in ((FIRST_REDELIVERED, (1, 3)), (None, (1, 4))):
        after, _ = served.score(batch, uncounted=uncounted)
        expect(
            (after.usage, after.dead_letters) == expected,
            "With a model, the counter of dead letters is wrong: new does not count the new records.",
            expected=f"usage and dead letters {expected}: only records that are new count",
            happened=(after.usage, after.dead_letters),
            means="a record that the model has no score for is counted at each delivery, or never",
        )
