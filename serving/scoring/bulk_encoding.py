"""Scores as messages for the scores topic: a whole batch encoded at once, as a ``ServingResult`` would encode each."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from protobufs.serving_result_pb2 import ServingResult
from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import RawRecord

MAX_RECORD_ID_CHARACTERS = 255

# Tags of the wire format: field number << 3 | wire type.
RECORD_ID = 2 << 3 | 2
VALUE, RECORD_TS, SOURCE_PARTITION, SOURCE_OFFSET = 3 << 3 | 1, 5 << 3, 8 << 3, 9 << 3
CONTINUATION = 0x80  # in a varint's byte: another byte follows
WIDTHS = np.array([1 << 7 * more for more in range(1, 10)], dtype=np.uint64)  # from here on a varint is a byte longer

ID_HEADS = [bytes([RECORD_ID, size]) for size in range(CONTINUATION)]
"""By its length, what stands before a short id."""

Result = tuple[bytes | None, bytes]
"""A message for the scores topic: the record's own key, and a ``ServingResult``."""


def results(served: BatchOutcome) -> Mapping[int, Sequence[Result]]:
    """The messages by partition - each record's own - and in the order of their records within it."""
    pairs = [pair for scored in served.scored for pair in zip(scored.wines.records, _messages(scored), strict=True)]
    if len(served.scored) > 1:
        pairs.sort(key=lambda pair: pair[0].offset)
    by_partition: dict[int, list[Result]] = {}
    for record, message in pairs:
        by_partition.setdefault(record.partition, []).append((record.key, message))
    return by_partition


def record_id(record: RawRecord) -> str:
    """The record's key as text, or where it came from if it has none; bytes that are no text show as escapes."""
    if record.key is None:
        return f"{record.topic}-{record.partition}@{record.offset}"
    return record.key.decode("utf-8", "backslashreplace")[:MAX_RECORD_ID_CHARACTERS]


def _messages(scored: ScoredWines) -> list[bytes]:
    """Three parts each, which protobuf reads as one message: what all have in common, the id, the numbers."""
    common = ServingResult(
        data_type=scored.wines.data_type,
        model_name=scored.model_name,
        scored_ts=scored.scored_ts_ms,
        duration_ms=scored.duration_ms,
    ).SerializeToString()
    ids = map(_id, scored.wines.records)
    return [common + each + numbers for each, numbers in zip(ids, _numbers(scored), strict=True)]


def _id(record: RawRecord) -> bytes:
    key = record.key
    if key is not None and len(key) < CONTINUATION and key.isascii():
        return ID_HEADS[len(key)] + key
    return ServingResult(record_id=record_id(record)).SerializeToString()


def _numbers(scored: ScoredWines) -> list[bytes]:
    """By record, what else is its own."""
    records = scored.wines.records
    varints = {
        RECORD_TS: scored.wines.record_ts_ms.astype(np.uint64),  # a negative one as protobuf writes it
        SOURCE_PARTITION: np.array([record.partition for record in records], dtype=np.uint64),
        SOURCE_OFFSET: np.array([record.offset for record in records], dtype=np.uint64),
    }
    widths = np.stack([np.searchsorted(WIDTHS, numbers, side="right") + 1 for numbers in varints.values()])
    encoded = np.empty(len(records), dtype=object)
    shape = widths[0] << 8 | widths[1] << 4 | widths[2]  # one number for each combination of widths
    for each in np.unique(shape):
        rows = np.flatnonzero(shape == each)
        alike = widths[:, rows[0]]
        parts = [_double(VALUE, scored.values[rows])]
        parts += [
            _varint(tag, all_[rows], width) for (tag, all_), width in zip(varints.items(), alike.tolist(), strict=True)
        ]
        block = np.concatenate(parts, axis=1)
        encoded[rows] = block.view(f"V{block.shape[1]}")[:, 0].tolist()
    numbers: list[bytes] = encoded.tolist()
    return numbers


def _double(tag: int, numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Shape (n, 9)."""
    return _tagged(tag, numbers.astype("<f8").view(np.uint8).reshape(-1, 8))


def _varint(tag: int, numbers: NDArray[np.uint64], width: int) -> NDArray[np.uint8]:
    """Shape (n, 1 + width), for numbers that need ``width`` bytes each."""
    shifts = 7 * np.arange(width, dtype=np.uint64)
    groups = (numbers[:, None] >> shifts & np.uint64(CONTINUATION - 1)).astype(np.uint8)
    groups[:, :-1] |= CONTINUATION
    return _tagged(tag, groups)


def _tagged(tag: int, content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([np.full((len(content), 1), tag, dtype=np.uint8), content], axis=1)
