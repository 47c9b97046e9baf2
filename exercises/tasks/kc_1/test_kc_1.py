"""Grades kc-1: counters that do not count twice."""

from dataclasses import replace
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.wines import ALCOHOL, UNFIT, wines
from model.serving_state import ServingState


@pytest.fixture
def state(answer: Answer) -> Any:
    """A model that is active; 2 wines of partition 0 and 40 of partition 1 are counted already."""
    serving = replace(ServingState("wine", ALCOHOL), usage=42)
    return answer.load().KeptState(serving, next_offsets={0: 2, 1: 40}, data_topic_id="id")


def test_every_record_gets_its_score(state: Any) -> None:
    batch = wines((0, 1, 9.4), (0, 2, 10.0))
    _, scores = state.score(batch)
    values = None if scores.values is None else scores.values.tolist()
    expect(
        values == [9.4, 10.0],
        "A record of the batch has no score, or another record's.",
        expected="[9.4, 10.0], for a redelivered record and a new one",
        happened=values,
        means="the first score of a redelivered record may never have reached Kafka: then that wine has none",
    )


def test_a_redelivered_record_is_not_counted_again(state: Any) -> None:
    after, _ = state.score(wines((0, 1, 9.4), (0, 2, 10.0)))
    expect(
        after.serving.usage == 43,
        "The counter is wrong after a batch of a redelivered record and a new one.",
        expected="42 counted before, and 1 new record: 43",
        happened=after.serving.usage,
        means="after every kill -9 the counters show wines that never were, or lack some",
    )


def test_the_next_offset_is_behind_the_last_record(state: Any) -> None:
    after, _ = state.score(wines((0, 2, 9.4), (0, 3, 10.0)))
    expect(
        after.next_offsets.get(0) == 4,
        "The next offset of partition 0 is wrong after records 2 and 3.",
        expected="4, the first record that is not counted yet",
        happened=after.next_offsets.get(0),
        means="when record 3 is redelivered it is counted a second time, or record 4 never",
    )


def test_a_record_without_a_score_is_remembered(state: Any) -> None:
    after, _ = state.score(wines((0, 2, 9.4), (0, 3, UNFIT)))
    expect(
        after.next_offsets.get(0) == 4,
        "A record that is unfit was not remembered as counted.",
        expected="next offset 4 of partition 0: record 3 is in wines.unfit",
        happened=after.next_offsets.get(0),
        means="each redelivery of that record adds one to the dead letters, of which there is one",
    )


def test_other_partitions_are_not_forgotten(state: Any) -> None:
    after, _ = state.score(wines((0, 2, 9.4)))
    expect(
        after.next_offsets.get(1) == 40,
        "The next offset of a partition that is not in the batch has changed.",
        expected="40 for partition 1, as before",
        happened=after.next_offsets.get(1),
        means="the 40 records of partition 1 are counted again when they are redelivered",
    )


def test_an_old_batch_moves_no_offset_back(state: Any) -> None:
    after, _ = state.score(wines((1, 12, 9.4)))
    expect(
        after.next_offsets.get(1) == 40,
        "An old batch moved the next offset back.",
        expected="40 for partition 1: record 12 was counted long ago",
        happened=after.next_offsets.get(1),
        means="records 13 to 39 are redelivered behind it, and counted a second time",
    )


def test_the_state_before_stays_as_it_was(state: Any) -> None:
    state.score(wines((0, 2, 9.4)))
    expect(
        state.next_offsets == {0: 2, 1: 40},
        "The offsets of the state before the batch were changed.",
        expected={0: 2, 1: 40},
        happened=state.next_offsets,
        means="a batch that is given up - its partition was revoked - counts as counted all the same",
    )
