"""The memory of one data type: a snapshot and the events since."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError

from actors_persistent.errors import DataTypeCorrupt, StateCorrupt, Superseded
from actors_persistent.journal.events import BatchScored, Event, ModelAccepted, apply
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.journal.tables import EventRow, ModelRow, RowDamaged, SnapshotRow, put, rows
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.scoring.kept_state import KeptState
from serving.scoring.outcomes import epoch_ms

SNAPSHOT_EVENTS = 1_000
"""Events after which a snapshot replaces them; they are replayed in a few milliseconds."""
OF_DATA_TYPE = "data_type = ?"
MODEL_ACCEPTED, BATCH_SCORED = "model_accepted", "batch_scored"


class Recovered(NamedTuple):
    """What everything that happened comes to."""

    model: KeptModel | None
    counters: KeptCounters


class Journal:
    """Writes what happened before anybody is told of it; ``recover`` gives it back.

    One actor writes. Its supervisor may ``close`` the journal from another thread, without waiting: a write that is
    under way is finished before the successor's ``recover`` reads, and no other comes after it, even if the actor,
    given up for dead, is only slow.
    """

    def __init__(self, file: JournalFile, data_type: str, *, snapshot_events: int = SNAPSHOT_EVENTS) -> None:
        """Nothing is read or written yet."""
        self.data_type = data_type
        self.path = file.path
        self._file = file
        self._snapshot_events = snapshot_events
        self._sequence = self._snapshot_sequence = 0
        self._model_sequence: int | None = None
        self._closed = False

    def recover(self) -> Recovered:
        """The snapshot, and the events since; call it once, before the first ``append``.

        Raises:
            DataTypeCorrupt: a row of this data type is not what was written, or is missing.
            StateCorrupt, StateUnwritable: the file cannot be read.
        """
        with self._file.transaction() as connection:
            try:
                snapshot = next(rows(connection, SnapshotRow, OF_DATA_TYPE, self.data_type), None)
                events = list(rows(connection, EventRow, OF_DATA_TYPE, self.data_type))
                model = next(rows(connection, ModelRow, OF_DATA_TYPE, self.data_type), None)
            except RowDamaged:
                raise self._corrupt("a row's checksum does not fit") from None
        return self._folded(snapshot or SnapshotRow(self.data_type), events, model)

    def append(self, event: Event, after: KeptState) -> None:
        """Write an event, and every ``snapshot_events`` events a snapshot of the state after it, in one transaction.

        Raises:
            StateUnwritable, StateCorrupt: the disk did not take it; ``recover`` with another journal.
            Superseded: this journal has been closed.
        """
        sequence = self._sequence + 1
        model_sequence = sequence if isinstance(event, ModelAccepted) else self._model_sequence
        snapshot_due = sequence - self._snapshot_sequence >= self._snapshot_events
        with self._file.transaction() as connection:
            if self._closed:
                raise Superseded
            if sequence == 1:
                put(connection, SnapshotRow(self.data_type))  # by this row it is known that there is such a data type
            put(connection, _event_row(self.data_type, sequence, event))
            if isinstance(event, ModelAccepted):
                put(connection, _model_row(sequence, after))
            if snapshot_due:
                put(connection, _snapshot_row(sequence, model_sequence, after))
                connection.execute("DELETE FROM events WHERE data_type = ?", (self.data_type,))
        self._sequence = sequence
        self._model_sequence = model_sequence
        if snapshot_due:
            self._snapshot_sequence = sequence

    def close(self) -> None:
        """Nothing more is written; any thread may call this, and more than once. It does not wait."""
        self._closed = True

    def _folded(self, snapshot: SnapshotRow, events: Sequence[EventRow], model: ModelRow | None) -> Recovered:
        # exercise[ac-4]: the snapshot's counters, and every event since applied to them, in order, with no gap
        raise NotImplementedError("exercise ac-4")
        # end[ac-4]
        if model_sequence != (None if model is None else model.sequence):
            raise self._corrupt("its model is missing" if model is None else "its model is another one")
        self._sequence = sequence
        self._snapshot_sequence = snapshot.sequence
        self._model_sequence = model_sequence
        if model is None:
            return Recovered(None, counters)
        counters.model_topic_id = model.topic_id
        counters.model_offset = model.topic_offset
        return Recovered(self._kept(model), counters)

    def _kept(self, row: ModelRow) -> KeptModel:
        try:
            descriptor = ModelDescriptor.FromString(row.descriptor)
        except DecodeError:
            raise self._corrupt("its model is no ModelDescriptor") from None
        return KeptModel(topic_id=row.topic_id, offset=row.topic_offset, since_ms=row.since_ms, descriptor=descriptor)

    def _corrupt(self, reason: str) -> DataTypeCorrupt:
        return DataTypeCorrupt(self.path, self.data_type, reason)


def recorded_data_types(file: JournalFile) -> Sequence[str]:
    """The data types that have a memory in this file.

    Raises:
        DataTypeCorrupt: the snapshot of one is not what was written.
        StateCorrupt: one has events and no snapshot.
        StateUnwritable: the file cannot be read.
    """
    with file.transaction() as connection:
        try:
            found = [row.data_type for row in rows(connection, SnapshotRow)]
        except RowDamaged as damaged:
            raise DataTypeCorrupt(file.path, damaged.key, "its snapshot's checksum does not fit") from None
        known = "SELECT data_type FROM events UNION SELECT data_type FROM models EXCEPT SELECT data_type FROM snapshots"
        for (data_type,) in connection.execute(known):
            raise StateCorrupt(file.path, f"data type {data_type!r} has events and no snapshot")
    return found


def _event_row(data_type: str, sequence: int, event: Event) -> EventRow:
    match event:
        case ModelAccepted(name, topic_id, offset):
            return EventRow(data_type, sequence, epoch_ms(), MODEL_ACCEPTED, topic_id, model=name, model_offset=offset)
        case BatchScored():
            return EventRow(
                data_type,
                sequence,
                epoch_ms(),
                BATCH_SCORED,
                event.topic_id,
                scored=event.scored,
                skipped=event.skipped,
                dead_letters=event.dead_letters,
                share_ms=event.share_ms,
                next_offsets=_text(event.next_offsets),
            )


def _event(row: EventRow) -> Event:
    if row.kind == MODEL_ACCEPTED:
        return ModelAccepted(row.model or "", row.topic_id, row.model_offset or 0)
    return BatchScored(
        row.scored or 0,
        row.skipped or 0,
        row.dead_letters or 0,
        row.share_ms or 0.0,
        row.topic_id,
        _offsets(row.next_offsets or "{}"),
    )


def _model_row(sequence: int, state: KeptState) -> ModelRow:
    model = state.model
    assert model is not None, "a model that was accepted is the state's"
    descriptor = model.descriptor
    return ModelRow(
        state.serving.data_type,
        sequence,
        descriptor.name,
        model.topic_id,
        model.offset,
        model.since_ms,
        descriptor.SerializeToString(),
    )


def _snapshot_row(sequence: int, model_sequence: int | None, state: KeptState) -> SnapshotRow:
    serving = state.serving
    return SnapshotRow(
        serving.data_type,
        sequence,
        model_sequence,
        usage=serving.usage,
        duration_ms=serving.duration_ms,
        min_ms=serving.min_ms,
        max_ms=serving.max_ms,
        skipped=serving.skipped,
        dead_letters=serving.dead_letters,
        topic_id=state.data_topic_id,
        next_offsets=_text(state.next_offsets),
    )


def _counters(row: SnapshotRow) -> KeptCounters:
    return KeptCounters(
        usage=row.usage,
        duration_ms=row.duration_ms,
        min_ms=row.min_ms,
        max_ms=row.max_ms,
        skipped=row.skipped,
        dead_letters=row.dead_letters,
        data_topic_id=row.topic_id,
        next_offsets=_offsets(row.next_offsets),
    )


def _text(next_offsets: object) -> str:
    return json.dumps(next_offsets)


def _offsets(text: str) -> dict[int, int]:
    return {int(partition): offset for partition, offset in json.loads(text).items()}
