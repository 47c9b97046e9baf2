"""Recovery: a snapshot and the events since come to what all the events come to."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors_persistent.errors import DataTypeCorrupt, StateCorrupt, Superseded
from actors_persistent.journal.events import Event, ModelAccepted, apply, batch_scored
from actors_persistent.journal.journal import Journal, recorded_data_types
from actors_persistent.journal.journal_file import JournalFile
from model.features import Features, Values
from model.model import LoadedModel
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.scoring.kept_state import KeptState
from tests.support.exploring import examples
from tests.unit.actors_persistent.conftest import DATA_TOPIC_ID, wines


class NoScoreAt13:
    """Gives no score at all to a batch of 13."""

    def score(self, features: Features) -> Values:
        return np.full(len(features), np.nan if len(features) == 13 else 5.0)

    def close(self) -> None:
        pass


def accepted(state: KeptState, offset: int) -> tuple[KeptState, Event]:
    descriptor = ModelDescriptor(name=f"number {offset}", data=bytes(offset))
    model = KeptModel(offset=offset, since_ms=offset + 1, descriptor=descriptor, topic_id="models topic")
    loaded = LoadedModel(descriptor.name, "", "wine", "ONNX", NoScoreAt13())
    return state.accept(loaded, model), ModelAccepted.of(model)


def scored(state: KeptState, batch: tuple[int, int, int]) -> tuple[KeptState, Event | None]:
    partition, first, n = batch
    before = state.reading(f"topic {first % 2}" if n == 3 else DATA_TOPIC_ID)
    after, scores = before.score(wines(*range(first, first + n), partition=partition))
    return after, batch_scored(before, after, scores)


Steps = Sequence[int | tuple[int, int, int]]
STEPS = st.lists(
    st.one_of(
        st.integers(0, 5).map(lambda offset: offset),
        st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from([1, 3, 13])),
    ),
    max_size=20,
)


def lived(journal: Journal, steps: Steps) -> tuple[KeptState, list[Event]]:
    """What an actor does: append, and become."""
    counters = journal.recover().counters
    state, events = KeptState.restored(journal.data_type, None, None, counters, counters.data_topic_id), []
    for step in steps:
        state, event = accepted(state, step) if isinstance(step, int) else scored(state, step)
        if event is not None:
            journal.append(event, state)
            events.append(event)
    return state, events


def opened(directory: str | Path) -> JournalFile:
    file = JournalFile(Path(directory), fsync=False)
    file.open()
    return file


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    file = opened(tmp_path)
    yield file
    file.close()


def changed(file: JournalFile, statement: str) -> None:
    with closing(sqlite3.connect(file.path)) as connection, connection:
        connection.execute(statement)


def count(file: JournalFile, query: str) -> int:
    with closing(sqlite3.connect(file.path)) as connection:
        return int(connection.execute(query).fetchone()[0])


@settings(max_examples=examples(40))
@given(STEPS, st.sampled_from([1, 3, 10_000]))
def test_snapshot_and_events_come_to_what_all_events_come_to_and_that_is_the_state(
    steps: Steps, snapshot_events: int
) -> None:
    with TemporaryDirectory() as directory:
        file = opened(directory)
        state, events = lived(Journal(file, "wine", snapshot_events=snapshot_events), steps)
        file.close()
        file = opened(directory)
        recovered = Journal(file, "wine").recover()
        file.close()
    folded = KeptCounters()
    for event in events:
        apply(event, folded)
    assert recovered.counters == folded
    assert recovered.counters == state.counters() or not events, "to the last bit of its sums"
    assert recovered.model == state.model


def test_events_that_are_in_a_snapshot_are_deleted_and_a_model_is_kept_once(file: JournalFile) -> None:
    journal = Journal(file, "wine", snapshot_events=10)
    state, events = lived(journal, [5000, 6000, *((0, first, 1) for first in range(96)), 7000])
    assert len(events) == 99
    assert count(file, "SELECT count(*) FROM events") == 9
    assert count(file, "SELECT sequence FROM snapshots") == 90
    assert count(file, "SELECT count(*) FROM models") == 1
    assert count(file, "SELECT length(descriptor) FROM models") == pytest.approx(7000, abs=100)
    assert Journal(file, "wine").recover().counters == state.counters()


@settings(max_examples=examples(40))
@given(st.data())
def test_after_a_transaction_that_failed_it_recovers_to_what_was_before(data: st.DataObject) -> None:
    steps: Steps = [0, (0, 0, 3), (1, 0, 1), (0, 3, 1), 4]
    whole = data.draw(st.integers(0, len(steps) - 1))
    with TemporaryDirectory() as directory:
        file = opened(directory)
        journal = Journal(file, "wine", snapshot_events=data.draw(st.integers(1, 4)))
        before, _ = lived(journal, steps[:whole])
        changed(file, "CREATE TRIGGER full_disk AFTER INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        step = steps[whole]
        after, event = accepted(before, step) if isinstance(step, int) else scored(before, step)
        assert event is not None
        with pytest.raises(Exception, match="disk full"):
            journal.append(event, after)
        changed(file, "DROP TRIGGER full_disk")
        recovered = Journal(file, "wine").recover()
        assert recovered.model == before.model
        assert recovered.counters == before.counters() or not whole
        file.close()


WORST_NAMES = ["", ".", "..", "../../etc", "a/b", "/", "CON", "wine", "Wine", "WINE", "wine ", "wine\0", "x" * 255]
WORST_NAMES += ["\u5b57" * 255, "caf\u00e9", "cafe\u0301", "-", "%2e%2e", "'; DROP TABLE events; --", '"', "$(reboot)"]


def test_whatever_data_types_are_called_each_has_a_memory_of_its_own(file: JournalFile) -> None:
    for number, data_type in enumerate(WORST_NAMES):
        lived(Journal(file, data_type), [(0, 0, 1)] * 1 + [(0, first, 1) for first in range(1, number)])
    assert set(recorded_data_types(file)) == set(WORST_NAMES)
    for number, data_type in enumerate(WORST_NAMES):
        assert Journal(file, data_type).recover().counters.skipped == max(1, number)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("DELETE FROM events WHERE sequence = 2", "event 3 follows event 1"),
        ("UPDATE events SET scored = 4 WHERE sequence = 2", "checksum"),
        ("UPDATE events SET next_offsets = '{}' WHERE sequence = 3", "checksum"),
        ("UPDATE events SET model = CAST(x'ff' AS TEXT) WHERE sequence = 1", "checksum"),
        ("UPDATE models SET descriptor = zeroblob(length(descriptor))", "checksum"),
        ("UPDATE models SET topic_offset = 7", "checksum"),
        ("DELETE FROM models", "its model is missing"),
        ("UPDATE snapshots SET skipped = 1", "checksum"),
    ],
)
def test_a_damaged_or_missing_row_is_an_error_that_names_the_data_type_and_never_a_fresh_start(
    file: JournalFile, damage: str, reason: str
) -> None:
    lived(Journal(file, "wine"), [5, (0, 0, 3), (0, 3, 1), (0, 4, 1)])
    lived(Journal(file, "beer"), [])
    changed(file, damage)
    with pytest.raises(DataTypeCorrupt, match=reason) as error:
        Journal(file, recorded_data_types(file)[0]).recover()
    assert str(error.value).startswith(f"{file.path} is damaged in what it holds of data type 'wine'")
    assert f"""sqlite3 {file.path} "DELETE FROM snapshots WHERE data_type = 'wine'\"""" in str(error.value)
    changed(file, "DELETE FROM snapshots WHERE data_type = 'wine'")
    assert recorded_data_types(file) == []
    assert Journal(file, "wine").recover() == (None, KeptCounters())


def test_events_without_their_snapshot_are_an_error(file: JournalFile) -> None:
    lived(Journal(file, "wine"), [(0, 0, 3)])
    changed(file, "UPDATE events SET data_type = 'beer'")
    with pytest.raises(StateCorrupt, match="'beer' has events and no snapshot"):
        recorded_data_types(file)


def test_once_closed_nothing_more_is_written_and_closing_does_not_wait_for_a_write(file: JournalFile) -> None:
    journal = Journal(file, "wine")
    state, _ = lived(journal, [0, (0, 0, 3)])
    with file.transaction():  # a write that hangs
        journal.close()
    after, event = scored(state, (0, 3, 1))
    assert event is not None
    with pytest.raises(Superseded):
        journal.append(event, after)
    assert count(file, "SELECT max(sequence) FROM events") == 2
