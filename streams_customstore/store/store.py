"""What a stream engine asks of the store behind a table.

faust keeps a table twice. Each write goes into the store, which answers reads, and to the table's changelog, a
compacted Kafka topic. The changelog is the truth; the store spares a restart reading all of it. For that it remembers,
for each partition, the offset up to which it holds what the changelog says - the *persisted offset* - and recovery
reads on from there. So one rule is above all others:

    The persisted offset on disk is never ahead of the changelog, nor of the data on disk.

An offset without its data would be a hole that nobody ever notices: those changelog records are not read again. Data
without its offset is harmless: a few records are read and applied twice. What keeps the rule:

- An offset is stored only when the broker has acknowledged it, or when it has been read back from the changelog.
- By then its data is in the store; both are in one file, and committed together (``database.py``).

A write that nobody has acknowledged when its process dies may be in the store and in no changelog. faust commits a
source record only after the changelog, so that record comes again - and must be written again, even if the store knows
it already.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from faust.stores import STORES
from faust.stores.base import SerializedStore
from faust.streams import current_event
from faust.types import TP, AppT, CollectionT, EventT
from yarl import URL

from streams_customstore.store.database import Database
from streams_customstore.store.errors import BackupNotKept, TableNotPartitioned, WrittenOutsideRecord

SCHEME = "sqlite"


def register() -> None:
    """Make ``store="sqlite://"`` mean this store, for ``faust.App`` and ``app.Table``; call it before they start."""
    STORES.aliases[SCHEME] = f"{__name__}:SqliteStore"


class SqliteStore(SerializedStore[Any, Any]):
    """The entries of one table: those of our partitions, and out of sight those of partitions that we once had.

    faust encodes keys and values; here they are bytes. An error of the file crashes the app: what is raised here faust
    would mostly log, and then carry on without the write, or wait forever for a recovery to end.
    """

    def __init__(self, url: str | URL, app: AppT, table: CollectionT, **options: Any) -> None:
        """Called by faust; nothing is opened before ``on_start``.

        Raises:
            TableNotPartitioned: the table's entries do not go to their record's partition.
        """
        super().__init__(url, app, table, **options)
        if table.is_global or table.use_partitioner:
            raise TableNotPartitioned(self.table_name)
        self._database = Database(app.conf.tabledir / f"{self.table_name}.sqlite3", on_failure=app._crash)

    async def on_start(self) -> None:
        """Open the file, or make an empty one: then the whole changelog is read.

        Raises:
            StoreUnusable: it cannot be read or written.
        """
        self._database.open()

    async def on_stop(self) -> None:
        """Commit and close."""
        if self._database.is_open:
            self._database.commit()
            self._database.close()

    # Reading and writing. In the midst of a record, its partition is meant: another may have the same key.

    def _get(self, key: bytes) -> bytes | None:
        # exercise[co-1]: the value of a key: in the record's partition, or, for a query, in any that is ours now
        event = current_event()
        partitions = self._active_partitions() if event is None else [event.message.partition]
        values = (self._database.get(partition, key) for partition in partitions)
        return next((value for value in values if value is not None), None)
        # end[co-1]

    def _contains(self, key: bytes) -> bool:
        return self._get(key) is not None

    def _set(self, key: bytes, value: bytes | None) -> None:
        self._database.put(self._partition_in_hand(), key, value)

    def _del(self, key: bytes) -> None:
        self._database.put(self._partition_in_hand(), key, None)

    def _clear(self) -> None:
        # faust tells only this partition's changelog; what else were deleted here would come back from its own.
        self._database.clear(self._partition_in_hand())

    def _size(self) -> int:
        return sum(self._database.count(partition) for partition in self._active_partitions())

    def _iterkeys(self) -> Iterator[bytes]:
        for partition in self._active_partitions():
            yield from self._database.keys(partition)

    def _itervalues(self) -> Iterator[bytes]:
        for _, value in self._iteritems():
            yield value

    def _iteritems(self) -> Iterator[tuple[bytes, bytes]]:
        for partition in self._active_partitions():
            yield from self._database.items(partition)

    def _partition_in_hand(self) -> int:
        event = current_event()
        if event is None:
            raise WrittenOutsideRecord(self.table_name)
        return event.message.partition

    # Partitions.

    def _active_partitions(self) -> list[int]:
        """Those that are ours now; of the others the store has only what their changelogs said at some time."""
        changelog = self.table.changelog_topic.get_topic_name()
        return sorted(tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == changelog)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Partitions come and go, and there is nothing to do: one file holds them all, none is opened or closed.

        A revoked one stays, with its persisted offset: when it comes back, only what its other owner wrote is read.
        """

    # The changelog.

    def persisted_offset(self, tp: TP) -> int | None:
        """The last record of this changelog partition that is in the store; None: recovery reads all of it."""
        return self._database.offset(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """The broker has acknowledged a write of ours: commit what is written, together with this offset.

        A batch's writes are made without an ``await`` in between, and acknowledgements arrive between batches: so a
        transaction holds whole batches.
        """
        if not self._database.is_open:
            return  # faust stops its tables before its producer; the next start reads this record again
        self._database.advance(tp.partition, offset)
        self._database.commit()

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Callable[[Any], Any],  # noqa: ARG002  # faust passes both by name; bytes need no conversion
        to_value: Callable[[Any], Any],  # noqa: ARG002
    ) -> None:
        """Restore: what the changelog says, and up to where, in one transaction.

        No record is in flight here; the partition is the changelog record's own. A record from before the persisted
        offset is skipped: its entry may have been written again since.

        Raises:
            StoreCorrupt, StoreUnusable: the app has crashed by then, as faust logs what is raised here and goes on
                waiting. It is raised all the same, lest faust think the table restored, and serve.
        """
        # exercise[co-2]: write what the changelog says that the store does not know yet, and up to where it says so
        for event in batch:
            message = event.message
            persisted = self._database.offset(message.partition)
            if persisted is not None and message.offset <= persisted:
                continue
            if message.key is not None:  # without one it is no entry; a topic takes none once it is compacted
                self._database.put(message.partition, message.key, message.value)
            self._database.advance(message.partition, message.offset)
        self._database.commit()
        # end[co-2]

    # What faust asks for on a user's behalf.

    def reset_state(self) -> None:
        """Forget everything here; the changelog restores it."""
        was_open = self._database.is_open
        self._database.delete()
        if was_open:
            self._database.open()

    async def backup_partition(self, *_: object, **__: object) -> None:
        """Each partition has its backup, the changelog; a second one would only be older.

        Raises:
            BackupNotKept: always.
        """
        raise BackupNotKept(self._database.path)

    def restore_backup(self, *_: object, **__: object) -> None:
        """See ``backup_partition``.

        Raises:
            BackupNotKept: always.
        """
        raise BackupNotKept(self._database.path)
