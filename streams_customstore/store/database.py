"""The SQLite file behind a table: entries and persisted offsets by partition, always from one moment.

``store.py`` says why an offset must never be on disk without its data. Here that is kept by:

- **One file, one transaction at a time.** A write stays in the open transaction until ``commit``.
- **A write-ahead log with ``synchronous=NORMAL``.** A ``kill -9`` loses nothing that is committed, at any
  setting: the operating system has the pages. A power failure may lose the last transactions, but whole ones and only
  from the end: the file is then what it was at an earlier commit, and the changelog has what came after. With ``OFF``
  pages may reach the disk in any order, an offset before its data. ``FULL`` waits for the disk at each commit, to keep
  what the changelog has anyway.
- **Nothing after an error.** SQLite may have rolled data back whose offset is still to come, so the file is closed.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from model.errors import ServingError
from streams_customstore.store.errors import StoreClosed, StoreCorrupt, StoreUnusable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

OPEN = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA checkpoint_fullfsync = ON",  # macOS: a plain fsync does not reach the disk
    "PRAGMA journal_size_limit = 16777216",  # restoring large entries would leave a large log for good
    "CREATE TABLE IF NOT EXISTS entries"
    " (partition INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (partition, key))",
    "CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, persisted INTEGER NOT NULL)",
)
GET = "SELECT value FROM entries WHERE partition = ? AND key = ?"
SET = "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
DELETE = "DELETE FROM entries WHERE partition = ? AND key = ?"
CLEAR = "DELETE FROM entries WHERE partition = ?"
COUNT = "SELECT count(*) FROM entries WHERE partition = ?"
KEYS = "SELECT key FROM entries WHERE partition = ? ORDER BY key"
ITEMS = "SELECT key, value FROM entries WHERE partition = ? ORDER BY key"
OFFSET = "SELECT persisted FROM offsets WHERE partition = ?"
ADVANCE = "INSERT INTO offsets VALUES (?, ?) ON CONFLICT DO UPDATE SET persisted = max(persisted, excluded.persisted)"

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PRIMARY_CODE = 0xFF  # the rest of an error code is detail
SUFFIXES = ("", "-wal", "-shm")
"""Of a database's files. The log after the file: SQLite ignores a log whose file is gone, but believes a file whose log
is gone."""


class Database:
    """One file, used from one thread.

    Every method but ``open``, ``close`` and ``delete`` raises:
    StoreClosed: it is not open.
    StoreCorrupt, StoreUnusable: now, or at any time since it was opened.
    """

    def __init__(self, path: Path, on_failure: Callable[[ServingError], None]) -> None:
        """``on_failure`` is told when the file has become unusable; nothing is opened before ``open``."""
        self.path = path
        self._on_failure = on_failure
        self._connection: sqlite3.Connection | None = None
        self._closed_because: ServingError = StoreClosed(path)

    @property
    def is_open(self) -> bool:
        """Whether it can be read and written."""
        return self._connection is not None

    def open(self) -> None:
        """Open the file, or make an empty one; one that is damaged is set aside, as its changelog has all of it.

        Raises:
            StoreUnusable: it cannot be read or written.
        """
        with self._closing_on_failure():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connect()
            except (StoreCorrupt, sqlite3.DatabaseError) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(str(error))
                self._connect()

    def close(self) -> None:
        """Close the file; what is not committed is forgotten."""
        self._close_because(StoreClosed(self.path))

    def delete(self) -> None:
        """Close and remove the file."""
        self.close()
        for suffix in SUFFIXES:
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def commit(self) -> None:
        """All that was written since the last commit, or after a crash nothing of it."""
        if self._connection is None:
            raise self._closed_because
        with self._closing_on_failure():
            self._connection.commit()

    def get(self, partition: int, key: bytes) -> bytes | None:
        """An entry's value."""
        rows = self._rows(GET, partition, key)
        return bytes(rows[0][0]) if rows else None

    def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Write an entry; None deletes it, as in a changelog."""
        if value is None:
            self._rows(DELETE, partition, key)
        else:
            self._rows(SET, partition, key, value)

    def clear(self, partition: int) -> None:
        """Delete a partition's entries; its offset stays, as their deletions are in the changelog too."""
        self._rows(CLEAR, partition)

    def count(self, partition: int) -> int:
        """How many entries a partition has."""
        return int(self._rows(COUNT, partition)[0][0])

    def keys(self, partition: int) -> list[bytes]:
        """A partition's keys, in their bytes' order."""
        return [key for (key,) in self._rows(KEYS, partition)]

    def items(self, partition: int) -> list[tuple[bytes, bytes]]:
        """A partition's entries, in the order of the keys."""
        return self._rows(ITEMS, partition)

    def offset(self, partition: int) -> int | None:
        """A partition's persisted offset."""
        rows = self._rows(OFFSET, partition)
        return int(rows[0][0]) if rows else None

    def advance(self, partition: int, offset: int) -> None:
        """Set a partition's persisted offset, which never goes back."""
        self._rows(ADVANCE, partition, offset)

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self.path)
        for statement in OPEN:
            self._connection.execute(statement)
        if self._connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise StoreCorrupt(self.path)

    def _set_aside(self, reason: str) -> None:
        self.close()
        aside = self.path.with_name(f"{self.path.name}.damaged")
        for suffix in SUFFIXES:
            aside.with_name(aside.name + suffix).unlink(missing_ok=True)
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
        log.warning("store_damaged", store=str(self.path), moved_to=str(aside), reason=reason)

    def _rows(self, statement: str, *values: object) -> list[Any]:
        if self._connection is None:
            raise self._closed_because
        with self._closing_on_failure():
            # All at once: the caller may write while it iterates, and an open cursor would keep the log from being
            # emptied.
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        failure: ServingError
        reason: Exception | None
        try:
            yield
            return
        except sqlite3.ProgrammingError:
            raise  # the caller's mistake, such as another thread; it says nothing about the file
        except StoreCorrupt as corrupt:
            failure, reason = corrupt, None
        except sqlite3.Error as error:
            damaged = _is_damage(error)
            failure, reason = StoreCorrupt(self.path) if damaged else StoreUnusable(self.path, str(error)), error
        except OSError as error:
            failure, reason = StoreUnusable(self.path, error.strerror or str(error)), error
        self._close_because(failure)
        self._on_failure(failure)
        raise failure from reason

    def _close_because(self, reason: ServingError) -> None:
        connection, self._connection = self._connection, None
        self._closed_because = reason
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _is_damage(error: Exception) -> bool:
    return isinstance(error, StoreCorrupt) or getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE in DAMAGED
