"""What graders play faust with, as far as a store can tell: a table, records in flight, partitions, a changelog.

The application is a real one that is never started, so it needs no broker.
"""

import asyncio
import shutil
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import faust
from faust.streams import _current_event
from faust.types import TP, Message

PARTITIONS = 3


class ChangelogRecord(NamedTuple):
    """What a recovery reads; a value of None is a tombstone."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class PlayedTable:
    """A store with a table around it, open; its files are in a directory of its own."""

    def __init__(self, new_store: Callable[..., Any], directory: Path) -> None:
        """``new_store``: the class of the store."""
        self._new_store = new_store
        self.directory = directory
        self.app: Any = faust.App("scores", broker="kafka://127.0.0.1:1", datadir=directory, web_enabled=False)
        self.app.finalize()
        table: Any = self.app.Table("states", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
        self.changelog = table.changelog_topic.get_topic_name()
        kinds = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
        self.store: Any = new_store("played://", self.app, table, table_name="states", **kinds)
        asyncio.run(self.store.on_start())

    def close(self) -> None:
        """Stop the store."""
        asyncio.run(self.store.on_stop())

    def after_a_kill(self) -> "PlayedTable":
        """The table in another process, after this one was killed now: of its files as they are at this moment."""
        left = self.directory.with_name(f"{self.directory.name}-left")
        shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(self.directory, left)
        return PlayedTable(self._new_store, left)

    def assign(self, *partitions: int) -> None:
        """These partitions are this instance's, and no other."""
        self.app.assignor._assignment.actives[self.changelog] = sorted(partitions)

    @contextmanager
    def record(self, partition: int) -> Iterator[None]:
        """While a record of this partition is in flight."""
        event = self._event(ChangelogRecord(partition, 0, b"key", b"value"), "data")
        token = _current_event.set(weakref.ref(event))
        try:
            yield
        finally:
            _current_event.reset(token)

    def write(self, partition: int, key: bytes, value: bytes) -> None:
        """What an agent writes for a record of this partition."""
        with self.record(partition):
            self.store[key] = value

    def read(self, partition: int, key: bytes) -> bytes | None:
        """What an agent reads for a record of this partition; None: there is no such key."""
        with self.record(partition):
            value: bytes | None = self.store.get(key, None)
            return value

    def query(self, key: bytes) -> bytes | None:
        """What is read while no record is in flight."""
        value: bytes | None = self.store.get(key, None)
        return value

    def acknowledge(self, partition: int, offset: int) -> None:
        """The broker has taken a write of this store at this offset of the changelog."""
        self.store.set_persisted_offset(TP(self.changelog, partition), offset)

    def persisted(self, partition: int) -> int | None:
        """Where a recovery begins: behind this offset of the changelog."""
        offset: int | None = self.store.persisted_offset(TP(self.changelog, partition))
        return offset

    def restore(self, records: Iterable[ChangelogRecord]) -> None:
        """What a recovery does with records of the changelog."""
        events = [self._event(each, self.changelog) for each in records]
        self.store.apply_changelog_batch(events, to_key=_as_it_is, to_value=_as_it_is)

    def _event(self, record: ChangelogRecord, topic: str) -> Any:
        partition, offset, key, value = record
        message = Message(topic, partition, offset, 0.0, 0, [], key, value, None)
        return faust.Event(self.app, key, value, {}, message)


def _as_it_is(value: Any) -> Any:
    return value
