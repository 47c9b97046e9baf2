"""The memory of one data type: a snapshot and the events since, in a directory of their own."""

import hashlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from actors_persistent.errors import StateCorrupt, StateUnwritable, Superseded
from actors_persistent.event_log import EventLog
from actors_persistent.events import apply
from actors_persistent.snapshots import read_snapshot, sync_directory, write_snapshot
from protobufs.actors_journal_pb2 import Event, Snapshot
from serving.kept_state import KeptState

SNAPSHOT = "snapshot"
EVENTS = "events"
LOG_BYTES = 256 * 1024
"""A log of this length, some 5,000 events, is read again in a few milliseconds."""
READABLE_CHARACTERS = 40


class Journal:
    """Writes what happened before anybody is told of it; ``recover`` gives it back.

    A snapshot is taken when the log is longer than the last snapshot, and than ``log_bytes``: so a large model is
    written again only after as many bytes of events, and the disk never gets more than twice what happened.

    One actor writes. Whoever supervises it may ``close`` the journal from another thread: after that not a byte more is
    written, even if the actor, given up for dead, is only slow.
    """

    def __init__(self, root: Path, data_type: str, *, fsync: bool, log_bytes: int = LOG_BYTES) -> None:
        """Nothing is read or made on disk yet; the directory comes with the first event."""
        self.data_type = data_type
        self.directory = root / directory_name(data_type)
        self._log = EventLog(self.directory / EVENTS, fsync=fsync)
        self._log_bytes = log_bytes
        self._sequence = 0
        self._snapshot_bytes = 0
        self._writing = threading.Lock()
        self._closed = False

    def recover(self) -> Snapshot:
        """What everything that happened comes to; call it once, before the first ``append``.

        Raises:
            StateCorrupt: the snapshot or the log is not what was written.
            StateUnwritable: they cannot be read.
        """
        state = _read(self.directory / SNAPSHOT) or Snapshot(data_type=self.data_type)
        if state.data_type != self.data_type:
            raise StateCorrupt(self.directory / SNAPSHOT, f"it is the state of {state.data_type!r}")
        self._snapshot_bytes = state.ByteSize()
        contained = state.sequence
        for payload in self._log.recover():
            event = Event.FromString(payload)
            if event.sequence <= contained:
                continue  # killed after the snapshot, before the log was cleared
            if event.sequence != state.sequence + 1:
                raise StateCorrupt(self.directory / EVENTS, f"event {event.sequence} follows event {state.sequence}")
            apply(event, state)
        self._sequence = state.sequence
        return state

    def append(self, event: Event) -> None:
        """Write an event, giving it the next sequence number.

        Raises:
            StateUnwritable: the disk did not take it; ``recover`` with another journal.
            Superseded: this journal has been closed.
        """
        with self._writing:
            if self._closed:
                raise Superseded
            if self._sequence == 0:
                self._make_directory()
            event.sequence = self._sequence + 1
            self._log.append(event.SerializeToString())
            self._sequence = event.sequence

    @property
    def wants_snapshot(self) -> bool:
        """Whether the log has become long."""
        return self._log.size_bytes > max(self._log_bytes, self._snapshot_bytes)

    def take_snapshot(self, state: KeptState) -> None:
        """Write down what everything until now comes to, then clear the log.

        Killed in between, the log holds events that the snapshot contains: their sequence numbers tell.

        Raises:
            StateUnwritable: nothing is lost; the log is still there.
            Superseded: this journal has been closed.
        """
        snapshot = Snapshot(
            sequence=self._sequence, data_type=self.data_type, model=state.model, counters=state.counters()
        )
        with self._writing:
            if self._closed:
                raise Superseded
            write_snapshot(self.directory / SNAPSHOT, snapshot.SerializeToString())
            self._snapshot_bytes = snapshot.ByteSize()
            self._log.clear()

    def close(self) -> None:
        """Write nothing more; any thread may call this, and more than once."""
        with self._writing:
            self._closed = True
            self._log.close()

    def _make_directory(self) -> None:
        """An empty snapshot goes first: it says whose directory this is, as the name may not."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / EVENTS).touch()
            write_snapshot(self.directory / SNAPSHOT, Snapshot(data_type=self.data_type).SerializeToString())
            sync_directory(self.directory.parent)
        except OSError as error:
            raise StateUnwritable(self.directory, error.strerror or str(error)) from error


def directory_name(data_type: str) -> str:
    """The directory for a data type: something to read, and a digest that tells it from all others.

    A data type is a stranger's text: it can be ``..`` or empty, longer than a file name may be, or differ from another
    one only in upper and lower case, which some file systems take for the same.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", data_type.lower())[:READABLE_CHARACTERS].strip("-")
    return f"{readable or 'data-type'}-{hashlib.sha256(data_type.encode()).hexdigest()[:32]}"


def recorded_data_types(root: Path) -> Iterator[str]:
    """The data types that have a memory below this directory.

    Raises:
        StateCorrupt: a directory whose snapshot is damaged or gone.
        StateUnwritable: it cannot be read.
    """
    if not root.exists():
        return
    for directory in sorted(each for each in root.iterdir() if each.is_dir()):
        snapshot = _read(directory / SNAPSHOT)
        if snapshot is not None:
            yield snapshot.data_type
        elif (events := directory / EVENTS).exists() and events.stat().st_size:
            raise StateCorrupt(directory / SNAPSHOT, "it is gone, and its events are there")


def _read(path: Path) -> Snapshot | None:
    payload = read_snapshot(path)
    try:
        return None if payload is None else Snapshot.FromString(payload)
    except DecodeError:
        raise StateCorrupt(path, "it is no snapshot of a state") from None
