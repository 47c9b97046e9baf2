"""The one file on disk: SQLite, one transaction per batch, and an error for every damage.

- **A write-ahead log.** What is committed survives a ``kill -9`` at any ``synchronous``: the operating system
  has the pages. A power failure may take the last transactions; with ``FULL``, which waits for the disk at each
  commit, it takes none.
- **One connection, one writer.** The actors take turns: there is one disk. A transaction is one batch's event, so a
  turn takes microseconds; with a connection for each actor SQLite would let them wait in naps of milliseconds.
- **Checked when it is opened.** SQLite finds damaged pages; ``tables`` finds damaged rows; ``write_ahead_log`` finds
  transactions that are gone.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from actors_persistent.errors import LogCorrupt, StateCorrupt, StateUnwritable
from actors_persistent.journal.tables import FEED_POSITION, SCHEMA, VERSION
from actors_persistent.journal.write_ahead_log import lost_from

log: structlog.stdlib.BoundLogger = structlog.get_logger()

NAME = "journal.sqlite3"
FORMER_POSITION = "models_topic"  # a file of the format before this one: directories with frames
BUSY_TIMEOUT_S = 30.0
"""How long another program, such as a participant's ``sqlite3``, may hold the file's lock."""
CLOSE_TIMEOUT_S = 0.5
LOG, INDEX = "-wal", "-shm"
PRIMARY_CODE = 0xFF  # the rest of an error code is detail
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class JournalFile:
    """What all actors' journals are written to; any thread."""

    def __init__(self, root: Path, *, fsync: bool) -> None:
        """``fsync``: what is committed survives a power failure too. Nothing is opened or made yet."""
        self.path = root / NAME
        self._synchronous = "FULL" if fsync else "NORMAL"
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the file; make it, if nothing was ever kept here.

        Raises:
            StateCorrupt: it is not what was written; never replaced by an empty one without a word.
            LogCorrupt: its write-ahead log is not.
            StateUnwritable: it cannot be read or written.
        """
        with self._errors():
            self._make_if_new()
            if (
                self.path.is_file() and not self.path.stat().st_size
            ):  # SQLite would make a database of it, without its log
                raise StateCorrupt(self.path, "it is empty")
            if reason := lost_from(self._beside(LOG), self._beside(INDEX)):
                raise LogCorrupt(self.path, self._beside(LOG), reason)
            connection = self._connected(self.path)
            try:
                self._check(connection)
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                connection.executescript(FEED_POSITION)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Read and write as one; on return it is there to stay, after an error nothing of it.

        Raises:
            StateCorrupt: the file is damaged.
            StateUnwritable: it cannot be read or written.
        """
        with self._turn, self._errors():
            if self._connection is None:
                raise StateUnwritable(self.path, "it is closed")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled it back itself
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close it, unless somebody waits for the disk: the log that is then left belongs to the next start."""
        if not self._turn.acquire(timeout=CLOSE_TIMEOUT_S):
            return
        try:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        finally:
            self._turn.release()

    def _make_if_new(self) -> None:
        """Under another name until it is whole: an empty file of this name was emptied by somebody else."""
        if self.path.exists():
            return
        if self._beside(LOG).exists() and self._beside(LOG).stat().st_size:
            raise StateCorrupt(self.path, "it is gone, and its write-ahead log is there")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if (self.path.parent / FORMER_POSITION).exists():
            log.warning("former_state_ignored", directory=str(self.path.parent))
        new = self.path.with_name(f"{NAME}.new")
        for file in (new, new.with_name(f"{new.name}-journal"), self._beside(LOG), self._beside(INDEX)):
            file.unlink(missing_ok=True)
        with contextlib.closing(self._connected(new)) as connection:
            connection.executescript(f"PRAGMA user_version = {VERSION}; BEGIN; {SCHEMA}{FEED_POSITION} COMMIT;")
            connection.execute("PRAGMA journal_mode = WAL")
        new.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _connected(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        # Bytes that are no text must not be an error of their own: the row's checksum tells.
        connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
        for setting in ("fullfsync = ON", "checkpoint_fullfsync = ON", "journal_size_limit = 16777216"):
            connection.execute(f"PRAGMA {setting}")  # macOS: a plain fsync does not reach the disk
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
        if found != [("ok",)]:
            raise StateCorrupt(self.path, " ".join(str(found[0][0]).split()))
        if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
            raise StateCorrupt(self.path, "it is no journal of this version")
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            empty.executescript(SCHEMA)
            if _schema(connection) != _schema(empty):
                raise StateCorrupt(self.path, "its tables are not those of a journal")

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(NAME + suffix)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE
            if code in DAMAGED:
                raise StateCorrupt(self.path, str(error)) from error
            raise StateUnwritable(self.path, str(error), locked=code == sqlite3.SQLITE_BUSY) from error
        except OSError as error:
            raise StateUnwritable(self.path, error.strerror or str(error)) from error


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    made = "SELECT name, sql FROM sqlite_schema WHERE name <> 'feed_position' AND sql IS NOT NULL ORDER BY name"
    return connection.execute(made).fetchall()
