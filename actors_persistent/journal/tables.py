"""The tables of the journal's file, made to be read by people too; a row knows by a checksum whether it is whole.

SQLite finds a damaged page, not a damaged number in it.
"""

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

VERSION = 1
SCHEMA = """
CREATE TABLE events (
    data_type TEXT NOT NULL,
    sequence INTEGER NOT NULL,      -- 1, 2, 3, ... for each data type; those that are in a snapshot are deleted
    at_ms INTEGER NOT NULL,         -- epoch ms
    kind TEXT NOT NULL,             -- model_accepted, batch_scored
    topic_id TEXT NOT NULL,         -- of the topic whose offsets are in this row
    model TEXT,                     -- the name of the model that is active from here on
    model_offset INTEGER,
    scored INTEGER,
    skipped INTEGER,
    dead_letters INTEGER,
    share_ms REAL,                  -- each scored record's share of the batch's scoring time
    next_offsets TEXT,              -- {"partition": offset}: up to where the batch reached
    crc INTEGER NOT NULL,
    PRIMARY KEY (data_type, sequence)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    data_type TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,      -- what all events up to this one come to
    model_sequence INTEGER,         -- of the event by which the active model came
    usage INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    min_ms REAL,
    max_ms REAL,
    skipped INTEGER NOT NULL,
    dead_letters INTEGER NOT NULL,
    topic_id TEXT NOT NULL,         -- of the data topic
    next_offsets TEXT NOT NULL,     -- {"partition": offset}: records from here on have not been counted
    crc INTEGER NOT NULL
);
CREATE TABLE models (
    data_type TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,      -- of the event by which it came
    name TEXT NOT NULL,
    topic_id TEXT NOT NULL,         -- of the models topic
    topic_offset INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    descriptor BLOB NOT NULL,       -- a ModelDescriptor
    crc INTEGER NOT NULL
);
CREATE TRIGGER forget AFTER DELETE ON snapshots BEGIN
    DELETE FROM events WHERE data_type = OLD.data_type;
    DELETE FROM models WHERE data_type = OLD.data_type;
    DELETE FROM feed_position;      -- the models topic is then read from its beginning, and the model is found again
END;
"""
FEED_POSITION = """
CREATE TABLE IF NOT EXISTS feed_position (
    topic_id TEXT NOT NULL,         -- of the models topic
    next_offset INTEGER NOT NULL,   -- every model before this one is in its actor's journal
    crc INTEGER NOT NULL
);
"""


class EventRow(NamedTuple):
    """A row of ``events``."""

    data_type: str
    sequence: int
    at_ms: int
    kind: str
    topic_id: str
    model: str | None = None
    model_offset: int | None = None
    scored: int | None = None
    skipped: int | None = None
    dead_letters: int | None = None
    share_ms: float | None = None
    next_offsets: str | None = None


class SnapshotRow(NamedTuple):
    """A row of ``snapshots``."""

    data_type: str
    sequence: int = 0
    model_sequence: int | None = None
    usage: int = 0
    duration_ms: float = 0.0
    min_ms: float | None = None
    max_ms: float | None = None
    skipped: int = 0
    dead_letters: int = 0
    topic_id: str = ""
    next_offsets: str = "{}"


class ModelRow(NamedTuple):
    """A row of ``models``."""

    data_type: str
    sequence: int
    name: str
    topic_id: str
    topic_offset: int
    since_ms: int
    descriptor: bytes


class PositionRow(NamedTuple):
    """The row of ``feed_position``."""

    topic_id: str
    next_offset: int


TABLES: dict[type[Any], str] = {
    EventRow: "events",
    SnapshotRow: "snapshots",
    ModelRow: "models",
    PositionRow: "feed_position",
}
R = TypeVar("R", EventRow, SnapshotRow, ModelRow, PositionRow)


class RowDamaged(Exception):
    """A row is not what was written; its first column, as it is now."""

    def __init__(self, key: object) -> None:
        super().__init__(key)
        self.key = str(key)


def put(connection: sqlite3.Connection, row: EventRow | SnapshotRow | ModelRow | PositionRow) -> None:
    """Write a row; one with the same key is replaced, but for events: what happened has happened."""
    verb = "INSERT" if isinstance(row, EventRow) else "INSERT OR REPLACE"
    marks = ", ".join("?" * (len(row) + 1))
    connection.execute(f"{verb} INTO {TABLES[type(row)]} VALUES ({marks})", (*row, _crc(row)))


def rows(connection: sqlite3.Connection, kind: type[R], where: str = "TRUE", *values: object) -> Iterator[R]:
    """The rows of a table, in the order of their keys.

    Raises:
        RowDamaged: one is not what was written.
    """
    columns = ", ".join(kind._fields)
    order = ", ".join(kind._fields[:2])
    query = f"SELECT {columns}, crc FROM {TABLES[kind]} WHERE {where} ORDER BY {order}"  # noqa: S608 - likewise
    for *found, crc in connection.execute(query, values):
        row = kind(*found)
        if crc != _crc(row):
            raise RowDamaged(row[0])
        yield row


def _crc(row: tuple[object, ...]) -> int:
    """Over what Python reads back: text, numbers, and a model's bytes."""
    *numbers, last = row
    if isinstance(last, bytes):
        return zlib.crc32(last, zlib.crc32(repr(numbers).encode("utf-8", "surrogatepass")))
    return zlib.crc32(repr(tuple(row)).encode("utf-8", "surrogatepass"))
