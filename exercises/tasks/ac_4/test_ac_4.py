"""Grades ac-4: restore from a snapshot and a journal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors_persistent.errors import DataTypeCorrupt
from actors_persistent.journal.events import BatchScored
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.journal.tables import EventRow, ModelRow, SnapshotRow, put, rows
from exercises.answers import Answer
from exercises.grading import expect
from model.errors import ServingError
from model.serving_state import ServingState
from serving.scoring.kept_state import KeptState

Row = EventRow | SnapshotRow | ModelRow

SNAPSHOT = SnapshotRow("wine", 2, 1, usage=40, duration_ms=80.0, skipped=7, topic_id="data", next_offsets='{"0": 47}')
"""Of events 1, which brought the model, and 2."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    file = JournalFile(tmp_path, fsync=False)
    file.open()
    yield file
    file.close()


@pytest.fixture
def restored(answer: Answer, file: JournalFile) -> Callable[..., Any]:
    """The answer's journal and what it recovers; or the words of its complaint."""
    module = answer.load()

    def restored(*written: Row, journal: bool = False) -> Any:
        with file.transaction() as connection:
            for row in written:
                put(connection, row)
        reading = module.Journal(file, "wine")
        try:
            recovered = reading.recover()
        except DataTypeCorrupt as error:
            return None if journal else error.reason
        return reading if journal else recovered

    return restored


def model(sequence: int) -> ModelRow:
    """The active model, which came with this event."""
    return ModelRow("wine", sequence, "forest", "models", sequence + 100, 1_700_000_000_000, b"")


def batch(sequence: int, scored: int, offset: int) -> EventRow:
    return EventRow(
        "wine",
        sequence,
        1_700_000_000_000,
        "batch_scored",
        "data",
        scored=scored,
        skipped=0,
        dead_letters=1,
        share_ms=2.0,
        next_offsets=f'{{"0": {offset}}}',
    )


def accepted(sequence: int) -> EventRow:
    return EventRow(
        "wine", sequence, 1_700_000_000_000, "model_accepted", "models", model="forest", model_offset=sequence + 100
    )


def counted(recovered: Any) -> Any:
    """Records scored, skipped, dead letters, and the next offset; or the complaint."""
    if isinstance(recovered, str):
        return f"an error: {recovered}"
    counters = recovered.counters
    return counters.usage, counters.skipped, counters.dead_letters, counters.next_offsets.get(0)


def test_the_snapshot_is_restored(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(1)))
    expect(
        after == (40, 7, 0, 47),
        "The snapshot's counters are not restored.",
        expected="40 scored, 7 skipped, 0 dead letters, next offset 47, and no error",
        happened=after,
        means="after a crash the counters begin at zero, though they are on the disk",
    )


@pytest.mark.parametrize("last", [2, 5000])
def test_events_after_the_snapshot_are_accepted(restored: Callable[..., Any], last: int) -> None:
    snapshot = SNAPSHOT._replace(sequence=last)
    after = counted(restored(snapshot, model(1), batch(last + 1, 2, 49), batch(last + 2, 3, 52)))
    expect(
        not isinstance(after, str),
        "Good events are taken for damaged ones.",
        expected=f"no error from a snapshot of event {last}, and events {last + 1} and {last + 2}",
        happened=after,
        means="the server does not start any more, and its operator deletes a journal that is whole",
    )


def test_each_event_after_the_snapshot_is_applied_once(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(1), batch(3, 2, 49), batch(4, 3, 52)))
    expect(
        after == (45, 7, 2, 52),
        "An event after the snapshot is not applied, or more than once.",
        expected="40 + 2 + 3 = 45 scored, 7 skipped, 2 dead letters, next offset 52",
        happened=after,
        means="what was counted since the last snapshot is lost at a crash, or is there twice",
    )


def test_a_model_that_came_after_the_snapshot_is_restored(restored: Callable[..., Any]) -> None:
    recovered = restored(SNAPSHOT, model(3), accepted(3), batch(4, 3, 50))
    expect(
        not isinstance(recovered, str) and recovered.model is not None,
        "A model that came after the snapshot is not restored.",
        expected="model_sequence 3: event 3 brought the model, event 4 is a batch",
        happened=counted(recovered),
        means="a journal that is whole is refused, and the server does not start after a new model",
    )


def test_without_a_snapshot_the_events_are_enough(restored: Callable[..., Any]) -> None:
    after = counted(restored(model(1), accepted(1), batch(2, 2, 2), batch(3, 3, 5)))
    expect(
        after == (5, 0, 2, 5),
        "Events are not restored where no snapshot has been written yet.",
        expected="2 + 3 = 5 scored, 2 dead letters, next offset 5",
        happened=after,
        means="a young data type has lost everything after a crash",
    )


def test_the_events_are_applied_in_order(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(4), batch(3, 2, 49), accepted(4), batch(5, 3, 52)))
    expect(
        after[0] == 3,
        "The events are not applied in their order.",
        expected="3 scored: 2 by the old model, then a new model, whose counter begins at zero, then 3",
        happened=after,
        means="the active model is credited with what another one scored",
    )


def test_a_gap_after_the_snapshot_is_an_error(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(1), batch(4, 3, 52)))
    expect(
        isinstance(after, str),
        "The first event after the snapshot is missing, and there is no error.",
        expected="DataTypeCorrupt: event 4 comes right after a snapshot of event 2",
        happened=after,
        means="a lost event becomes a wrong counter that nobody ever notices",
    )


def test_a_gap_between_two_events_is_an_error(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(1), batch(3, 2, 49), batch(5, 3, 55)))
    expect(
        isinstance(after, str),
        "An event between two others is missing, and there is no error.",
        expected="DataTypeCorrupt: event 5 comes right after event 3",
        happened=after,
        means="a lost event becomes a wrong counter that nobody ever notices",
    )


def test_an_event_that_the_snapshot_has_is_an_error(restored: Callable[..., Any]) -> None:
    after = counted(restored(SNAPSHOT, model(1), batch(2, 2, 47), batch(3, 3, 50)))
    expect(
        isinstance(after, str),
        "An event that is in the snapshot already is there, and there is no error.",
        expected="DataTypeCorrupt: event 2 comes after a snapshot of event 2, which deletes it",
        happened=after,
        means="snapshot and events are of two different moments: the counters are those of neither",
    )


def test_the_next_event_gets_the_next_number(restored: Callable[..., Any], file: JournalFile) -> None:
    journal = restored(SNAPSHOT, model(1), batch(3, 2, 49), batch(4, 3, 52), journal=True)
    try:
        journal.append(BatchScored(1, 0, 0, 2.0, "data", {0: 53}), KeptState(ServingState("wine")))
    except ServingError as error:
        numbers: object = str(error)
    else:
        with file.transaction() as connection:
            numbers = [row.sequence for row in rows(connection, EventRow)]
    expect(
        numbers == [3, 4, 5],
        "The next event gets a wrong number.",
        expected="events 3 and 4 restored, the next one is 5",
        happened=numbers,
        means="the first batch after a crash cannot be written, or the next crash finds a gap",
    )
