"""aiokafka's consumers, made to read records whose header names are no UTF-8.

A broker takes a header name of any bytes. aiokafka 0.14 decodes it strictly, in compiled code without an option, so one
such record would end every consumer of its partition, at each start. Here what that code cannot read is read by a
parser in Python, to the end of the fetch; it shows those bytes as escapes, as nothing in this project depends on the
name of a stranger's header. Nothing else costs anything: no other batch is read differently.

It replaces private names of aiokafka, which is why ``constraints.txt`` pins the version.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.record.util import decode_varint

MAGIC_AT = 16
MAGIC = 2  # of the format since Kafka 0.11; older ones have no headers


def consumer(**settings: Any) -> Any:
    """An ``AIOKafkaConsumer`` that reads any headers that a record has."""
    read_any_header_names()
    return AIOKafkaConsumer(**settings)


def read_any_header_names() -> None:
    """From here on, every aiokafka consumer of this process does; again changes nothing."""
    fetcher.MemoryRecords = _KeptRecords
    fetcher.PartitionRecords = _PartitionRecords


class _KeptRecords(MemoryRecords):  # type: ignore[misc]  # aiokafka ships no types
    """What a fetch brought of one partition; the bytes are kept, in case that they must be read again."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.content = content


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """An iterator over these records."""

    _records: Any
    _records_iterator: Any

    def __next__(self) -> Any:
        try:
            return next(self._records_iterator)
        except StopIteration:
            self._records_iterator = None
            raise
        except (UnicodeDecodeError, CorruptRecordException):  # the second from aiokafka's own parser in Python
            if isinstance(self._records, _AnyNames):
                raise
            self._records = _AnyNames(self._records.content, self.next_fetch_offset)
            self._records_iterator = self._unpack_records()
            return next(self)


class _AnyNames(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches from the one with ``offset`` on, read by the parser below."""

    _next_slice: memoryview | None

    def __init__(self, content: bytes, offset: int) -> None:
        super().__init__(content)
        # Not from the beginning: the fetcher has noted what it has seen there of the ends of transactions.
        while self._next_slice is not None and _batch(self._next_slice).next_offset <= offset:
            self._cache_next()

    def next_batch(self) -> Any:
        content = self._next_slice
        self._cache_next()
        return None if content is None else _batch(content)


def _batch(content: memoryview) -> Any:
    magic = content[MAGIC_AT]
    return _Batch(content) if magic >= MAGIC else LegacyRecordBatch(content, magic)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch in which header names are any bytes. Source: Kafka documentation, "Message Format", "Record"."""

    _pos: int

    def _read_msg(self) -> _DefaultRecordPy:
        reading = _Reading(self._buffer, self._pos)
        length = reading.number()
        begin = reading.at
        reading.number()  # attributes, of which there are none
        timestamp_delta, offset_delta = reading.number(), reading.number()
        key, value = reading.content(), reading.content()
        headers = [
            ((reading.content() or b"").decode("utf-8", "backslashreplace"), reading.content())
            for _ in range(reading.number())
        ]
        if reading.at - begin != length:
            raise CorruptRecordException(f"a record of {length} bytes has {reading.at - begin}")
        self._pos = reading.at
        timestamp = self.max_timestamp
        if self.timestamp_type == self.CREATE_TIME:
            timestamp = _int64(self.first_timestamp + timestamp_delta)
        return _DefaultRecordPy(self.base_offset + offset_delta, timestamp, self.timestamp_type, key, value, headers)


class _Reading:
    def __init__(self, buffer: bytearray, at: int) -> None:
        self._buffer = buffer
        self.at = at

    def number(self) -> int:
        value, self.at = decode_varint(self._buffer, self.at)
        return int(value)

    def content(self) -> bytes | None:
        size, begin = decode_varint(self._buffer, self.at)
        if size < 0:
            self.at = begin
            return None
        self.at = begin + size
        return bytes(self._buffer[begin : self.at])


def _int64(number: int) -> int:
    """The same 64 bits: the difference of two extreme times has more, and producers cut it off."""
    return (number + 2**63) % 2**64 - 2**63
