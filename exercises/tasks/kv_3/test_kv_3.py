"""Grades kv-3: join with a table that lags."""

from collections.abc import Sequence
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect

PATIENCE_S = 5
SOON, LATER = 100, 200
"""Times of records and rows, in ms."""


class Scene:
    """A join, and a clock that a grader moves."""

    def __init__(self, module: Any) -> None:
        self._record = module.StreamRecord
        self.now_s = 1000
        self.join = module.LaggingJoin(PATIENCE_S, clock_s=lambda: self.now_s)

    def wine(self, name: str, time_ms: int, key: bytes = b"key") -> list[Any]:
        """A record of the stream comes; gives what is emitted: names and rows."""
        return emitted(self.join.add(self._record(key, time_ms, name)))

    def row(self, value: Any, time_ms: int, key: bytes = b"key") -> list[Any]:
        """A row of the table comes; gives what is emitted."""
        return emitted(self.join.put(key, value, time_ms))

    def read_to(self, time_ms: int) -> list[Any]:
        """The table is read further; gives what is emitted."""
        return emitted(self.join.read_to(time_ms))

    def after(self, seconds: int) -> list[Any]:
        """Time passes; gives what is emitted by the timer."""
        self.now_s += seconds
        return emitted(self.join.due())


def emitted(joined: Sequence[Any]) -> list[Any]:
    return [(each.record.value, each.row) for each in joined]


@pytest.fixture
def scene(answer: Answer) -> Scene:
    return Scene(answer.load())


def test_a_record_is_joined_with_its_key_s_row(scene: Scene) -> None:
    scene.row("vineyard", LATER)
    scene.row("another", LATER, b"other")
    got = scene.wine("wine", SOON)
    expect(
        got == [("wine", "vineyard")],
        "A record was not emitted at once with its key's row, though the table is further than it.",
        expected=[("wine", "vineyard")],
        happened=got,
        means="all wines wait for nothing, or go without their vineyard",
    )


def test_a_record_waits_while_the_table_lags(scene: Scene) -> None:
    scene.row("of last week", SOON)
    got = scene.wine("wine", LATER)
    expect(
        got == [],
        "A record was joined with an old row, while the table lagged behind it.",
        expected=f"nothing: the table is read up to {SOON} ms, and the record is of {LATER} ms",
        happened=got,
        means="this week's wine gets last week's vineyard, and nobody notices",
    )
    got = scene.row("of this week", LATER + 1)
    expect(
        got == [("wine", "of this week")],
        "A record that waited was not emitted with the new row when the table had caught up.",
        expected=[("wine", "of this week")],
        happened=got,
        means="to wait was of no use: it goes out late, and as wrong as before",
    )


def test_a_record_without_a_row_waits_while_the_table_lags(scene: Scene) -> None:
    got = scene.wine("wine", LATER)
    expect(
        got == [],
        "A record was given up because its row was not there yet.",
        expected="nothing: the row may be on its way, the table has not been read so far",
        happened=got,
        means="after each start, while the table is read, all wines go without a vineyard",
    )


def test_a_table_that_has_just_caught_up_is_far_enough(scene: Scene) -> None:
    scene.row("vineyard", LATER)
    got = scene.wine("wine", LATER)
    expect(
        got == [("wine", "vineyard")],
        "A record waits, though the table is known up to exactly its time.",
        expected=f"emitted at once: record and table are both at {LATER} ms",
        happened=got,
        means="a row and a record that were written together wait for the next row of any key",
    )


def test_without_news_an_old_row_is_the_right_one(scene: Scene) -> None:
    scene.row("of last week", SOON)
    scene.wine("wine", LATER)
    got = scene.read_to(LATER)
    expect(
        got == [("wine", "of last week")],
        "A record was not joined with an old row, though the table has caught up and has no newer one.",
        expected=[("wine", "of last week")],
        happened=got,
        means="a vineyard that has not changed for a week has no wines",
    )


def test_without_a_row_a_record_goes_when_the_table_has_caught_up(scene: Scene) -> None:
    scene.wine("wine", LATER)
    got = scene.read_to(LATER)
    expect(
        got == [("wine", None)],
        "A record without a row still waits, though the table has caught up.",
        expected=[("wine", None)],
        happened=got,
        means="each wine of an unknown vineyard holds up its key for the whole patience",
    )


def test_a_record_does_not_wait_for_ever(scene: Scene) -> None:
    scene.row("of last week", SOON)
    scene.wine("wine", LATER)
    got = scene.after(PATIENCE_S - 1)
    expect(
        got == [],
        "A record was given up before its time was over.",
        expected=f"nothing after {PATIENCE_S - 1} s of {PATIENCE_S}",
        happened=got,
        means="wines go without a vineyard whose row comes a moment later",
    )
    got = scene.after(2)
    expect(
        [name for name, _ in got] == ["wine"],
        "A record still waits after its time is over.",
        expected=f"emitted by {PATIENCE_S + 1} s, with a patience of {PATIENCE_S}",
        happened=got,
        means="a table whose topic has stopped holds up the stream for good, and fills the memory",
    )
    expect(
        got == [("wine", None)],
        "A record that waited in vain was joined with a row that may be out of date.",
        expected=[("wine", None)],
        happened=got,
        means="exactly when the table is broken, wrong matches go out as if they were right",
    )


def test_a_timer_may_come_late(scene: Scene) -> None:
    scene.wine("wine", LATER)
    got = scene.after(2 * PATIENCE_S)
    expect(
        got == [("wine", None)],
        "A record still waits after its time is over.",
        expected=f"emitted, {2 * PATIENCE_S} s after it came",
        happened=got,
        means="a timer that is late by a millisecond makes a record wait for good",
    )


def test_a_record_is_emitted_once(scene: Scene) -> None:
    scene.wine("given up", LATER)
    scene.after(PATIENCE_S + 1)
    got = scene.row("vineyard", LATER) + scene.after(PATIENCE_S)
    expect(
        got == [],
        "A record was emitted a second time.",
        expected="nothing: it was given up before",
        happened=got,
        means="readers of the joined stream count it twice",
    )
    expect(
        list(scene.join.keys_waiting) == [],
        "A key is still in self._waiting, though nothing of it waits.",
        expected=[],
        happened=list(scene.join.keys_waiting),
        means="each key that ever came stays in memory: it grows until the process is killed",
    )


def test_order_is_kept_within_a_key(scene: Scene) -> None:
    scene.row("vineyard", SOON)
    scene.wine("first", LATER)
    got = scene.wine("second", SOON)
    expect(
        got == [],
        "A record has overtaken an earlier one of its key.",
        expected="nothing: the first record of this key waits still",
        happened=got,
        means="who reads the joined stream sees a key's past after its present",
    )
    got = scene.wine("of another key", SOON, b"other")
    expect(
        got == [("of another key", None)],
        "A record waits because of another key's record.",
        expected=[("of another key", None)],
        happened=got,
        means="one vineyard whose row is missing holds up all the others",
    )
    got = scene.read_to(LATER)
    expect(
        got == [("first", "vineyard"), ("second", "vineyard")],
        "When the first of a key may go, those behind it that may go do not all follow in order.",
        expected=[("first", "vineyard"), ("second", "vineyard")],
        happened=got,
        means="they stay until something else happens to this key, or come in another order",
    )
