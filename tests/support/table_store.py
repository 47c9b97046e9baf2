"""A table's store as faust makes it, for an app that is not started: the test is the engine."""

import asyncio
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import faust
from faust.streams import _current_event
from faust.types import TP, Message

from streams_customstore.store import store
from streams_kvstore.store import databases

PARTITIONS = 3


class ChangelogRecord(NamedTuple):
    """What recovery reads; a value of None is a tombstone."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class TableStore:
    """One start of a store in ``directory``; the next one there finds what this one has left."""

    def __init__(self, url: str, directory: Path) -> None:
        store.register()
        databases.register()
        self.app = faust.App("scores", broker="kafka://127.0.0.1:1", datadir=directory, store=url, web_enabled=False)
        self.app.finalize()
        self.table = self.app.Table("states", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
        self.changelog = self.table.changelog_topic.get_topic_name()
        self.store: Any = self.table.data

    def start(self) -> None:
        asyncio.run(self.store.on_start())

    def stop(self) -> None:
        asyncio.run(self.store.stop())

    def assign(self, partitions: Iterable[int]) -> None:
        """What the group's leader says, then what faust does about it."""
        assignor: Any = self.app.assignor
        before = assignor.assigned_actives()
        now = {TP(self.changelog, partition) for partition in partitions}
        assignor._assignment.actives[self.changelog] = sorted(partitions)
        asyncio.run(self.store.on_rebalance(now, before - now, now - before))
        for tp in now:  # recovery asks for each of them first
            self.store.persisted_offset(tp)

    @contextmanager
    def record(self, partition: int) -> Iterator[None]:
        """While a record of this source partition is in flight."""
        event = self._event(ChangelogRecord(partition, 0, b"key", b"value"), "data")
        token = _current_event.set(weakref.ref(event))
        try:
            yield
        finally:
            _current_event.reset(token)

    def write(self, partition: int, key: bytes, value: bytes) -> None:
        with self.record(partition):
            self.store[key] = value

    def delete(self, partition: int, key: bytes) -> None:
        with self.record(partition):
            del self.store[key]

    def get(self, partition: int, key: bytes) -> bytes | None:
        with self.record(partition):
            value: bytes | None = self.store.get(key, None)
            return value

    def acknowledge(self, partition: int, offset: int) -> None:
        self.store.set_persisted_offset(TP(self.changelog, partition), offset)

    def persisted_offset(self, partition: int) -> int | None:
        offset: int | None = self.store.persisted_offset(TP(self.changelog, partition))
        return offset

    def restore(self, *records: ChangelogRecord) -> None:
        """What recovery does with a buffer of changelog records."""
        self.table.apply_changelog_batch([self._event(record, self.changelog) for record in records])

    def _event(self, record: ChangelogRecord, topic: str) -> Any:
        partition, offset, key, value = record
        message = Message(topic, partition, offset, 0.0, 0, [], key, value, None)
        return faust.Event(self.app, key, value, {}, message)
