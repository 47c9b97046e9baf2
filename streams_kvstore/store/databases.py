"""RocksDB databases on this server's disk, which can be damaged: by a power failure, or by a bad disk.

What is in them is in a changelog, too. So a damaged one is set aside, for who wants to look at it, and an empty one
takes its place, which is restored from the changelog. RocksDB finds most damages when it opens a database, but not all:

- Those inside a file of rows it finds only when it reads there, and ``rocksdict`` then ends an iteration as if nothing
  came after. So all of a database is read once when it is opened: our tables are small.
- A MANIFEST whose end is missing is a MANIFEST of an earlier time. Files of rows that were written since are deleted,
  while the log, with an offset that is later than them, is not. So every such file must be in the MANIFEST. A process
  killed at the very moment between the two leaves the same; then the changelog is read in vain.

A write-ahead log whose end is missing is no damage. The database is then what it was a moment ago, and its persisted
offset, which is in the same log, says so.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from faust.stores import STORES
from faust.stores.rocksdb import RocksDBOptions
from faust.stores.rocksdb import Store as StockStore
from rocksdict import AccessType, Rdict

from streams_kvstore.store.errors import DatabaseUnusable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SCHEME = "checked-rocksdb"
OPTIONS: dict[str, Any] = {
    # faust asks RocksDB for 50 GB of block cache and 96 MB of write buffers per database: for a handful of rows.
    "block_cache_size": 8 * 1024 * 1024,
    "block_cache_compressed_size": 0,
    "write_buffer_size": 4 * 1024 * 1024,
}
INCOMPLETE = ("No such file or directory", "Not a directory")
OFFSET = StockStore.offset_key
PREFIX_BYTES = 4


def register() -> None:
    """Make ``store="checked-rocksdb://"`` mean this store, for ``app.Table``; call it before that."""
    STORES.aliases[SCHEME] = f"{__name__}:CheckedStore"


def open_checked(path: Path, open_database: Callable[[], Any]) -> Any:
    """A database that can be read from its beginning to its end; an empty one if the one there is damaged.

    Raises:
        DatabaseUnusable: it cannot be read or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _unusable(path):
        try:
            if path.exists():
                _check(path)
        except Exception as error:  # rocksdict raises nothing more special
            if not _is_damage(str(error)):
                raise
            aside = path.with_name(f"{path.name}.damaged")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            reason = " ".join(str(error).split())[:200]
            log.warning("store_damaged", store=str(path), moved_to=str(aside), reason=reason)
        return open_database()


def _is_damage(reason: str) -> bool:
    """Whether RocksDB's words mean the database's files, and not the machine's: rights, space, descriptors."""
    return any(words in reason for words in INCOMPLETE) or ("Corruption" in reason and "IO error" not in reason)


def _check(path: Path) -> None:
    # Read only: opened for writing, a database deletes what it does not know.
    database = Rdict(str(path), RocksDBOptions(**OPTIONS).as_options(), access_type=AccessType.read_only())
    try:
        known = {str(file["name"]).lstrip("/") for file in database.live_files()}
        if unknown := {file.name for file in path.glob("*.sst")} - known:
            raise ValueError(f"Corruption: the MANIFEST does not know {', '.join(sorted(unknown))}")
        for _ in _rows(database):
            pass
    finally:
        database.close()


def _rows(database: Any, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    rows = database.iter()
    rows.seek(prefix)
    while rows.valid() and rows.key().startswith(prefix):
        yield rows.key(), rows.value()
        rows.next()
    rows.status()  # raises, if it was not the end that was reached


@contextmanager
def _unusable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error) is Exception:  # rocksdict's errors have no class of their own
            raise DatabaseUnusable(path, str(error)) from error
        raise


class PartitionRows:
    """One partition's rows in the table's database: their keys begin with its number. What faust asks of a database."""

    def __init__(self, database: Any, partition: int) -> None:
        self._database = database
        self._prefix = partition.to_bytes(PREFIX_BYTES, "big")

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        value: bytes | None = self._database.get(self._prefix + key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""
        self._database.put(self._prefix + key, value)

    def delete(self, key: bytes) -> None:
        """Delete a row."""
        self._database.delete(self._prefix + key)

    def key_may_exist(self, key: bytes) -> bool:
        """False if there is no such row; True says nothing."""
        return bool(self._database.key_may_exist(self._prefix + key))

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows but the persisted offset."""
        for key, value in _rows(self._database, self._prefix):
            if key != self._prefix + OFFSET:
                yield key[PREFIX_BYTES:], value


class CheckedStore(StockStore):
    """faust's store, with one database per table, checked when it is opened; faust's own has one per partition.

    Each open database takes six descriptors and its own buffers. A partition that is revoked stays, with its persisted
    offset: when it comes back, only what its other owner wrote is read.

    It overrides private methods of faust-streaming 0.15.3: they are where a database is opened, read and written.
    """

    _database: Any = None

    def _open_for_partition(self, partition: int) -> PartitionRows:
        if self._database is None:
            self._database = self._open()
        return PartitionRows(self._database, partition)

    def _open(self) -> Any:
        path = self._path_with_suffix(self.path / self.basename)
        if not path.exists() and (former := sorted(self.path.glob(f"{self.basename}-*.db"))):
            log.warning("former_databases_ignored", store=str(path), former=[each.name for each in former])
        return open_checked(path, lambda: self.rocksdb_options.open(path))

    async def stop(self) -> None:
        """Called by faust."""
        await super().stop()
        self._close()

    def reset_state(self) -> None:
        """Forget everything here; the changelog restores it."""
        self._close()
        super().reset_state()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _visible_items(self, db: PartitionRows) -> Iterator[tuple[bytes, bytes]]:
        with _unusable(self.path):
            yield from db.items()

    def _visible_keys(self, db: PartitionRows) -> Iterator[bytes]:
        return (key for key, _ in self._visible_items(db))

    def _set(self, key: bytes, value: bytes | None) -> None:
        with _unusable(self.path):
            super()._set(key, value)

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002
        """Called by faust, which would log what is raised here, and wait for the table forever."""
        try:
            with _unusable(self.path):
                for event in batch:
                    message = event.message
                    rows = self._db_for_partition(message.partition)
                    if message.value is None:
                        rows.delete(message.key)
                    else:
                        rows.put(message.key, message.value)
                    self.set_persisted_offset(message.tp, message.offset)  # in the same log, so not before its row
        except DatabaseUnusable as error:
            self.app._crash(error)
            raise


class ModelDatabase:
    """The table of models in one database; a ``Copy``."""

    def __init__(self, path: Path) -> None:
        """Open it, or make an empty one.

        Raises:
            DatabaseUnusable: it cannot be read or written.
        """
        self._path = path.with_name(f"{path.name}.db")
        options = RocksDBOptions(**OPTIONS)
        self._database = open_checked(self._path, lambda: options.open(self._path))

    def offset(self) -> int | None:
        """Of the last changelog record that is in it."""
        offset = self._database.get(OFFSET)
        return None if offset is None else int(offset)

    def data_types(self) -> list[bytes]:
        """The data types that have a model."""
        return [key for key, _ in _rows(self._database) if key != OFFSET]

    def get(self, data_type: bytes) -> bytes | None:
        """A data type's model."""
        value: bytes | None = self._database.get(data_type)
        return value

    def put(self, data_type: bytes, value: bytes) -> None:
        """Write a model: to the log that the offset is written to as well, so in this order."""
        with _unusable(self._path):
            self._database.put(data_type, value)

    def reached(self, offset: int) -> None:
        """The changelog has been read up to this record."""
        with _unusable(self._path):
            self._database.put(OFFSET, str(offset).encode())

    def close(self) -> None:
        """Close it."""
        self._database.close()
