"""Recovery: a snapshot and the events since come to what all the events come to."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors_persistent.errors import StateCorrupt, Superseded
from actors_persistent.events import apply, batch_scored
from actors_persistent.frames import HEADER
from actors_persistent.journal import EVENTS, SNAPSHOT, Journal, recorded_data_types
from model.features import Features, Values
from model.model import LoadedModel
from protobufs.actors_journal_pb2 import BatchScored, Event, Snapshot
from protobufs.kept_state_pb2 import KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.kept_state import KeptState
from tests.unit.actors_persistent.conftest import wines


class NoScoreAt13:
    """Gives no score at all to a batch of 13."""

    def score(self, features: Features) -> Values:
        return np.full(len(features), np.nan if len(features) == 13 else 5.0)

    def close(self) -> None:
        pass


def accepted(state: KeptState, offset: int) -> tuple[KeptState, Event]:
    model = KeptModel(offset=offset, since_ms=offset + 1, descriptor=ModelDescriptor(name=f"number {offset}"))
    loaded = LoadedModel(model.descriptor.name, "", "wine", "ONNX", NoScoreAt13())
    return state.accept(loaded, model), Event(model_accepted=model)


def scored(state: KeptState, batch: tuple[int, int, int]) -> tuple[KeptState, Event | None]:
    partition, first, n = batch
    after, scores = state.score(wines(*range(first, first + n), partition=partition))
    return after, batch_scored(state, after, scores)


STEPS = st.lists(
    st.one_of(
        st.integers(0, 5).map(lambda offset: offset),
        st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from([1, 3, 13])),
    ),
    max_size=20,
)


def lived(journal: Journal, steps: Sequence[int | tuple[int, int, int]]) -> tuple[KeptState, list[Event]]:
    """What an actor does: append, become, and take a snapshot when it is time."""
    state, events = KeptState.restored("wine", None, None, journal.recover().counters, ""), []
    for step in steps:
        state, event = accepted(state, step) if isinstance(step, int) else scored(state, step)
        if event is not None:
            journal.append(event)
            events.append(event)
            if journal.wants_snapshot:
                journal.take_snapshot(state)
    journal.close()
    return state, events


@settings(deadline=None)  # each example writes files, on whatever disk
@given(STEPS, st.sampled_from([1, 60, 10_000]))
def test_snapshot_and_log_come_to_what_all_events_come_to_and_that_is_the_state(
    steps: list[int | tuple[int, int, int]], log_bytes: int
) -> None:
    with TemporaryDirectory() as directory:
        state, events = lived(Journal(Path(directory), "wine", fsync=False, log_bytes=log_bytes), steps)
        recovered = Journal(Path(directory), "wine", fsync=False).recover()
    folded = Snapshot(data_type="wine")
    for event in events:
        apply(event, folded)
    folded.counters.SetInParent()
    recovered.counters.SetInParent()
    assert recovered == folded
    assert recovered.counters == state.counters(), "to the last bit of its sums"
    assert (recovered.model if recovered.HasField("model") else None) == state.model


def test_a_log_becomes_short_again_and_a_large_model_is_not_written_with_every_event(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "wine", fsync=False, log_bytes=100)
    journal.recover()
    state, first_event = accepted(KeptState.restored("wine", None, None, None, ""), 0)
    first_event.model_accepted.descriptor.data = bytes(5000)
    assert state.model is not None
    state.model.descriptor.data = bytes(5000)
    event: Event | None = first_event
    snapshots = appended = 0
    for first in range(300):
        assert event is not None
        journal.append(event)
        appended += event.ByteSize() + HEADER.size
        if journal.wants_snapshot:
            journal.take_snapshot(state)
            snapshots += 1
            assert (journal.directory / EVENTS).stat().st_size == 0
        state, event = scored(state, (0, first, 1))
    journal.close()
    assert 2 <= snapshots <= appended // 5000, "a snapshot, of more than 5,000 bytes, after as many of events"


def test_killed_between_the_snapshot_and_the_new_log_nothing_counts_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "wine", fsync=False)
    state, _ = lived(journal, [0, (0, 0, 3), (1, 0, 3)])
    log = (journal.directory / EVENTS).read_bytes()
    again = Journal(tmp_path, "wine", fsync=False)
    again.recover()
    again.take_snapshot(state)
    again.close()
    assert (journal.directory / EVENTS).read_bytes() == b""
    (journal.directory / EVENTS).write_bytes(log)
    survivor = Journal(tmp_path, "wine", fsync=False)
    assert survivor.recover().counters == state.counters()
    state, event = scored(state, (0, 3, 1))
    assert event is not None
    survivor.append(event)
    assert Journal(tmp_path, "wine", fsync=False).recover().counters == state.counters(), "and it goes on after that"


@settings(deadline=None)  # each example writes files, on whatever disk
@given(st.data())
def test_killed_at_any_byte_of_any_file_it_recovers_to_a_moment_of_the_past(data: st.DataObject) -> None:
    steps: list[int | tuple[int, int, int]] = [0, (0, 0, 3), (1, 0, 1), (0, 3, 1)]
    with TemporaryDirectory() as directory:
        journal = Journal(Path(directory), "wine", fsync=False)
        _, events = lived(journal, steps)
        path = journal.directory / EVENTS
        os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
        recovered = Journal(Path(directory), "wine", fsync=False).recover()
    moments = [Snapshot(data_type="wine")]
    for event in events:
        moments.append(Snapshot())
        moments[-1].CopyFrom(moments[-2])
        apply(event, moments[-1])
    assert recovered in moments


def test_a_corrupt_snapshot_is_an_error_and_never_a_fresh_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "wine", fsync=False)
    lived(journal, [0, (0, 0, 3)])
    path = journal.directory / SNAPSHOT
    path.write_bytes(b"")
    for look in (lambda: Journal(tmp_path, "wine", fsync=False).recover(), lambda: list(recorded_data_types(tmp_path))):
        with pytest.raises(StateCorrupt, match="rm -r") as error:
            look()
        assert error.value.path == path
    path.unlink()
    with pytest.raises(StateCorrupt, match="gone"):
        list(recorded_data_types(tmp_path))


def test_an_event_that_is_missing_in_the_middle_is_an_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "wine", fsync=False)
    lived(journal, [(0, 0, 3), (0, 3, 3), (0, 6, 3)])
    path = journal.directory / EVENTS
    content = path.read_bytes()
    third = len(content) // 3
    path.write_bytes(content[:third] + content[2 * third :])
    with pytest.raises(StateCorrupt, match="event 3 follows event 1"):
        Journal(tmp_path, "wine", fsync=False).recover()


def test_once_closed_not_a_byte_more_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "wine", fsync=False)
    state, _ = lived(journal, [0, (0, 0, 3)])
    before = {each: each.read_bytes() for each in journal.directory.iterdir()}
    with pytest.raises(Superseded):
        journal.append(Event(batch_scored=BatchScored(scored=1)))
    with pytest.raises(Superseded):
        journal.take_snapshot(state)
    assert {each: each.read_bytes() for each in journal.directory.iterdir()} == before
