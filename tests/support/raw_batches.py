"""Record batches as no client library makes them, though a broker takes them: header names of any bytes, any time."""

import asyncio
import gzip
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

MAX_BATCH_BYTES, MAX_REQUEST_BYTES = 500_000, 16 * 2**20
GZIP, APPEND_TIME, TRANSACTIONAL, CONTROL = 1, 1 << 3, 1 << 4, 1 << 5
NOBODY = -1
"""The producer id where there are no transactions."""


class RawRecord(NamedTuple):
    """A record for one partition."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Sequence[tuple[bytes, bytes | None]] = ()


def encoded(
    records: Sequence[RawRecord], base_offset: int = 0, attributes: int = 0, producer_id: int = NOBODY
) -> bytes:
    """One batch. Source: Kafka documentation, "Message Format"."""
    first_ms = records[0].timestamp_ms
    body = b"".join(_record(number, record, first_ms) for number, record in enumerate(records))
    if attributes & GZIP:
        body = gzip.compress(body)
    checked = struct.pack(
        ">hiqqqhii",
        attributes,
        len(records) - 1,
        first_ms,
        max(record.timestamp_ms for record in records),
        producer_id,
        -1,  # the producer's epoch
        -1,  # and its sequence
        len(records),
    )
    content = struct.pack(">ibI", 0, 2, calc_crc32c(checked + body)) + checked + body
    return struct.pack(">qi", base_offset, len(content)) + content


def _record(number: int, record: RawRecord, first_ms: int) -> bytes:
    parts = [
        b"\x00",
        _varint(record.timestamp_ms - first_ms),
        _varint(number),
        _sized(record.key),
        _sized(record.value),
    ]
    parts.append(_varint(len(record.headers)))
    for name, value in record.headers:
        parts += [_sized(name), _sized(value)]
    content = b"".join(parts)
    return _varint(len(content)) + content


def _sized(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    number = (number + 2**63) % 2**64 - 2**63  # the difference of two extreme times has more bits
    left = (number << 1 ^ number >> 63) % 2**64
    groups = bytearray()
    while left >= 0x80:
        groups.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*groups, left])


def send(bootstrap_servers: str, topic: str, partition: int, records: Iterable[RawRecord]) -> None:
    """Returns when the broker has them all."""
    send_all(bootstrap_servers, topic, {partition: records})


def send_all(bootstrap_servers: str, topic: str, by_partition: Mapping[int, Iterable[RawRecord]]) -> None:
    """Returns when the broker has them all."""

    async def sending() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, max_request_size=MAX_REQUEST_BYTES) as client:
            for partition, records in by_partition.items():
                for batch in _batches(records):
                    await (await client.send_batch(_Encoded(batch), topic, partition=partition))

    asyncio.run(sending())


def _batches(records: Iterable[RawRecord]) -> Iterator[list[RawRecord]]:
    batch: list[RawRecord] = []
    size = 0
    for record in records:
        size += sum(len(each or b"") for pair in ((record.key, record.value), *record.headers) for each in pair) + 100
        if batch and size > MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(record)
    if batch:
        yield batch


class _Encoded:
    """In the place of aiokafka's ``BatchBuilder``."""

    def __init__(self, records: Sequence[RawRecord]) -> None:
        self._content = encoded(records)
        self._count = len(records)

    def _build(self) -> bytes:
        return self._content

    def size(self) -> int:
        return len(self._content)

    def record_count(self) -> int:
        return self._count

    def close(self) -> None:
        """It is complete."""

    def closed(self) -> bool:
        """It can be sent."""
        return True
