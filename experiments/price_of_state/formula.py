"""How many bytes a changelog grows by, from the number of writes and the sizes of key and value alone.

Sources: Kafka's documentation, "Record Batch" and "Record" (message format version 2); Protocol Buffers, "Encoding".
"""

from dataclasses import dataclass

BATCH_HEADER_BYTES = 61  # baseOffset int64 to records count int32
TOPIC_ID_BYTES = 22  # a UUID in base64 without padding
DOUBLE_BYTES = 1 + 8  # tag, value
EPOCH_MS = 1_700_000_000_000  # any time from 2004 to 2109 has as many bytes


@dataclass(frozen=True, slots=True)
class Writes:
    """What one partition's rows say while a backlog is scored: one row after each batch."""

    partition: int
    n: int
    batch: int  # records between two writes
    counted: int  # records before the first
    begin: int  # offset of the first record


def varint_bytes(number: int) -> int:
    """Of a number that is not negative: seven bits a byte."""
    return max(1, -(-number.bit_length() // 7))


def record_batch_bytes(key_bytes: int, value_bytes: int) -> int:
    """A produce batch with one record, without headers and compression. Lengths are zigzag: twice the number."""
    attributes = timestamp_delta = offset_delta = headers = 1
    record = attributes + timestamp_delta + offset_delta + headers
    for size in (key_bytes, value_bytes):
        record += varint_bytes(2 * size) + size
    return BATCH_HEADER_BYTES + varint_bytes(2 * record) + record


def counters_bytes(partition: int, usage: int, next_offset: int, model_offset: int) -> int:
    """A ``KeptCounters`` of one partition, with nothing skipped or rejected."""
    entry = (1 + varint_bytes(partition)) + (1 + varint_bytes(next_offset))
    return (
        (1 + varint_bytes(usage))
        + 3 * DOUBLE_BYTES  # duration_ms, min_ms, max_ms
        + (1 + varint_bytes(entry) + entry)
        + (1 + varint_bytes(model_offset))
        + 2 * (1 + 1 + TOPIC_ID_BYTES)  # of the data topic, of the models topic
    )


def kept_model_bytes(descriptor_bytes: int, offset: int) -> int:
    """A ``KeptModel``: offset (left out where it is 0), descriptor, when it was activated, topic id."""
    return (
        (1 + varint_bytes(offset) if offset else 0)
        + (1 + varint_bytes(descriptor_bytes) + descriptor_bytes)
        + (1 + varint_bytes(EPOCH_MS))
        + (1 + 1 + TOPIC_ID_BYTES)
    )


def whole_row_bytes(counters: int, model: int) -> int:
    """Counters and model in one value."""
    return counters + 1 + varint_bytes(model) + model


def changelog_bytes(writes: Writes, data_type: str, model_offset: int, model_bytes: int | None) -> int:
    """What these writes add to their partition of the changelog.

    Args:
        model_bytes: of the ``KeptModel`` in each row; None: the rows have counters only.
    """
    key_bytes = len(f"counters/{writes.partition}/{data_type}")
    total = 0
    for number in range(1, writes.n + 1):
        done = number * writes.batch
        value = counters_bytes(writes.partition, writes.counted + done, writes.begin + done, model_offset)
        if model_bytes is not None:
            value = whole_row_bytes(value, model_bytes)
        total += record_batch_bytes(key_bytes, value)
    return total
