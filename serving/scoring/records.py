"""From the bytes of a batch of Kafka records to matrices of features, one per data type."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple, Protocol

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from model.features import WINE, Features
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.bulk_decoding import UniformWines, decode_uniform

MAX_DATA_TYPE_CHARACTERS = 255
MAX_KEY_BYTES = 64 * 1024
"""A score carries its record's key; with a longer one it could outgrow what the scores topic takes."""


class RawRecord(Protocol):
    """A Kafka record as it came; aiokafka's ``ConsumerRecord`` is one."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # epoch ms
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Record(NamedTuple):
    """A ``RawRecord`` where a library's own class is none, or is gone."""

    topic: str
    partition: int
    offset: int
    timestamp: int  # epoch ms
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that cannot be scored, and why; it goes to the dead-letter topic and serving goes on."""

    record: RawRecord
    reason: str
    data_type: str | None = None  # None where the record does not say it

    def __str__(self) -> str:
        return f"{self.record.topic}[{self.record.partition}]@{self.record.offset}: {self.reason}"


@dataclass(frozen=True, slots=True)
class WineBatch:
    """The n >= 0 records of one data type in a batch, in the order they came, and those that are unfit for a model."""

    data_type: str
    records: Sequence[RawRecord]
    record_ts_ms: NDArray[np.int64]  # shape (n,), epoch ms at submission; Kafka's time stamp where the record has none
    features: Features  # shape (n, 11)
    unfit: Sequence[RawRecord] = ()  # rejected before any model saw them

    def only(self, chosen: NDArray[np.bool_]) -> "WineBatch":
        """The records for which ``chosen``, shape (n,), is true."""
        return WineBatch(
            self.data_type,
            [record for record, keep in zip(self.records, chosen, strict=True) if keep],
            self.record_ts_ms[chosen],
            self.features[chosen],
            self.unfit,
        )


_measurements = attrgetter(*WINE)


def decode(records: Sequence[RawRecord]) -> tuple[list[WineBatch], list[RejectedRecord]]:
    """Sort a batch by data type; each record comes back exactly once, in a ``WineBatch`` to score or rejected."""
    parts: dict[str, list[UniformWines]] = {}
    rest = np.ones(len(records), dtype=np.bool_)
    for usual in decode_uniform([_short(record) for record in records]):
        rest[usual.rows] = False
        parts.setdefault(usual.data_type, []).append(usual)
    parsed, rejected = _parsed(records, np.flatnonzero(rest).tolist())
    for wines in parsed:
        parts.setdefault(wines.data_type, []).append(wines)
    return [_without_gaps(_batch(records, each), rejected) for each in parts.values()], rejected


def _short(record: RawRecord) -> bytes:
    """A message that may be read in bulk; nothing in place of one whose key the parser will object to."""
    return record.value or b"" if record.key is None or len(record.key) <= MAX_KEY_BYTES else b""


def _parsed(records: Sequence[RawRecord], rows: Sequence[int]) -> tuple[list[UniformWines], list[RejectedRecord]]:
    wines: dict[str, list[tuple[int, WineRecord]]] = {}
    rejected: list[RejectedRecord] = []
    for row in rows:
        try:
            wine = _parse(records[row])
        except ValueError as error:
            rejected.append(RejectedRecord(records[row], str(error)))
        else:
            wines.setdefault(wine.dataType, []).append((row, wine))
    read = [
        UniformWines(
            np.array([row for row, _ in parsed]),
            data_type,
            np.array([wine.ts for _, wine in parsed]),
            np.array([_measurements(wine) for _, wine in parsed]),
        )
        for data_type, parsed in wines.items()
    ]
    return read, rejected


def _parse(record: RawRecord) -> WineRecord:
    if not record.value:
        raise ValueError("empty value (a tombstone says nothing about a wine)")
    if record.key is not None and len(record.key) > MAX_KEY_BYTES:
        raise ValueError(f"key longer than {MAX_KEY_BYTES} bytes")
    try:
        wine = WineRecord.FromString(record.value)
    except DecodeError:
        raise ValueError("not a WineRecord: the bytes are no such protobuf message") from None
    if not wine.dataType:
        raise ValueError("no data type: nothing says which model should score it")
    if len(wine.dataType) > MAX_DATA_TYPE_CHARACTERS:
        raise ValueError(f"data type longer than {MAX_DATA_TYPE_CHARACTERS} characters")
    return wine


def _batch(records: Sequence[RawRecord], parts: Sequence[UniformWines]) -> WineBatch:
    rows = np.concatenate([part.rows for part in parts])
    ts_ms = np.concatenate([part.ts_ms for part in parts])
    features = np.concatenate([part.features for part in parts])
    if len(parts) > 1:
        order = np.argsort(rows)
        rows, ts_ms, features = rows[order], ts_ms[order], features[order]
    chosen = [records[row] for row in rows.tolist()]
    for row in np.flatnonzero(ts_ms == 0).tolist():
        ts_ms[row] = chosen[row].timestamp
    return WineBatch(parts[0].data_type, chosen, ts_ms, features)


def _without_gaps(wines: WineBatch, rejected: list[RejectedRecord]) -> WineBatch:
    finite = np.isfinite(wines.features)
    good = np.logical_and.reduce(finite, axis=1)
    if good.all():
        return wines
    unfit = []
    for row in np.flatnonzero(~good).tolist():
        feature = int(np.argmin(finite[row]))
        reason = f"{WINE[feature]} is {wines.features[row, feature]}, not a finite number"
        rejected.append(RejectedRecord(wines.records[row], reason, wines.data_type))
        unfit.append(wines.records[row])
    return replace(wines.only(good), unfit=unfit)
