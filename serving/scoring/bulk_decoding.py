"""Reading ``WineRecord``s in bulk: what equally long messages have in common is learnt from one and checked in all.

A producer writes one wine after the other the same way: the doubles in the order of their numbers, the data type, the
time. A parser called for each of them takes several times as long as all the rest of a server's work on it. What does
not look so is left to the parser, and nothing is taken for a wine here that the parser would read otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.features import WINE, Features

MIN_UNIFORM_MESSAGES = 8  # messages of one length, for which learning is not worth it
MAX_UNIFORM_BYTES = 1024  # bytes; no wine that is written as usual has more

# Tags of the wire format: field number << 3 | wire type.
DOUBLES = {column + 1 << 3 | 1: column for column in range(len(WINE))}
DATA_TYPE = 12 << 3 | 2
TS = 13 << 3
DOUBLE_BYTES = 1 + 8
CONTINUATION = 0x80  # in a varint's byte: another byte follows
MAX_TS_BYTES = 9  # of 7 bits each; a tenth would make it negative

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class UniformWines:
    """Messages of one length and one data type, read."""

    rows: NDArray[np.intp]  # shape (n,): which of the messages, ascending
    data_type: str
    ts_ms: NDArray[np.int64]  # shape (n,); 0 where a message has none
    features: Features  # shape (n, 11)


@dataclass(frozen=True, slots=True)
class _Layout:
    columns: Sequence[int]  # in ``WINE``, of the doubles in the order they are written
    data_type: str
    fixed: NDArray[np.intp]  # where each of these messages has the same byte
    ts_at: int  # where the time's varint begins; the message's length where there is none


def decode_uniform(messages: Sequence[bytes]) -> Iterator[UniformWines]:
    """The messages that are written as usual, by length; those which are in none of the answers go to the parser."""
    lengths = np.fromiter(map(len, messages), dtype=np.intp, count=len(messages))
    counts = np.bincount(np.minimum(lengths, MAX_UNIFORM_BYTES + 1), minlength=MAX_UNIFORM_BYTES + 2)
    for length in np.flatnonzero(counts[: MAX_UNIFORM_BYTES + 1] >= MIN_UNIFORM_MESSAGES).tolist():
        rows = np.flatnonzero(lengths == length)
        if length == 0:
            continue
        block = np.frombuffer(b"".join([messages[row] for row in rows.tolist()]), np.uint8).reshape(-1, length)
        if (layout := _infer_layout(block[0].tobytes())) is not None:
            yield _read(block, rows, layout)


def _infer_layout(message: bytes) -> _Layout | None:
    """How a message is written; None: not as usual, or its data type is no text."""
    columns: list[int] = []
    tags = []
    at = 0
    while at + DOUBLE_BYTES < len(message) and message[at] in DOUBLES:
        columns.append(DOUBLES[message[at]])
        tags.append(at)
        at += DOUBLE_BYTES
    if at + 2 > len(message) or message[at] != DATA_TYPE:
        return None
    size = message[at + 1]
    end = at + 2 + size
    if not size or size >= CONTINUATION or end > len(message):
        return None
    if end == len(message):
        ts_at = end
    elif message[end] == TS and 1 <= len(message) - end - 1 <= MAX_TS_BYTES:
        ts_at = end + 1
    else:
        return None
    try:
        data_type = message[at + 2 : end].decode()
    except UnicodeDecodeError:
        return None
    return _Layout(columns, data_type, np.array([*tags, *range(at, ts_at)]), ts_at)


def _read(block: Bytes, rows: NDArray[np.intp], layout: _Layout) -> UniformWines:
    good = (block[:, layout.fixed] == block[0, layout.fixed]).all(axis=1)
    varint = block[:, layout.ts_at :]
    if varint.shape[1]:
        good &= (varint[:, :-1] >= CONTINUATION).all(axis=1) & (varint[:, -1] < CONTINUATION)
    if not good.all():
        block, rows, varint = block[good], rows[good], varint[good]
    features = np.zeros((len(rows), len(WINE)))
    doubles = block[:, : len(layout.columns) * DOUBLE_BYTES].reshape(len(rows), len(layout.columns), DOUBLE_BYTES)
    # Of a number that is written twice the last one counts, here as in protobuf.
    features[:, layout.columns] = np.ascontiguousarray(doubles[:, :, 1:]).view("<f8")[:, :, 0]
    shifts = 7 * np.arange(varint.shape[1], dtype=np.int64)
    ts_ms = ((varint & (CONTINUATION - 1)).astype(np.int64) << shifts).sum(axis=1)
    return UniformWines(rows, layout.data_type, ts_ms, features)
