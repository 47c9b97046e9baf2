"""A queue of bytes in a file of bounded size."""

import os
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from protobufs.spilled_batch_pb2 import SpilledBatch, SpilledRecord
from serving.errors import StateDirectoryUnusable
from serving.scoring.records import RawRecord, Record


class SpillFile:
    """First in, first out, written round and round. The file has no name: it is gone with its process, however it ends.

    Nothing is made safe against a power failure: what waits here is still in Kafka.
    """

    def __init__(self, directory: Path, capacity_bytes: int) -> None:
        """``directory`` is made if need be; the file takes up to ``capacity_bytes`` there.

        Raises:
            StateDirectoryUnusable: it cannot be written.
        """
        self._directory = directory
        self._capacity_bytes = capacity_bytes
        self._sizes: deque[int] = deque()
        self._begin = 0  # never wraps; the place in the file is this modulo its capacity
        self.bytes = 0
        """How many bytes wait."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - closed in ``close``
        except OSError as error:
            raise StateDirectoryUnusable(directory, error.strerror or str(error)) from None

    def put(self, data: bytes) -> bool:
        """Add one element at the end; False: there is no room for it now.

        Raises:
            StateDirectoryUnusable: the disk is full, or fails.
        """
        if len(data) > self._capacity_bytes - self.bytes:
            return False
        at = (self._begin + self.bytes) % self._capacity_bytes
        until_end = self._capacity_bytes - at
        self._write(data[:until_end], at)
        self._write(data[until_end:], 0)
        self._sizes.append(len(data))
        self.bytes += len(data)
        return True

    def get(self) -> bytes:
        """Take the oldest element out; there must be one."""
        size = self._sizes.popleft()
        at = self._begin % self._capacity_bytes
        until_end = min(size, self._capacity_bytes - at)
        data = self._read(until_end, at) + self._read(size - until_end, 0)
        self._begin += size
        self.bytes -= size
        return data

    def close(self) -> None:
        """Give the space back."""
        self._file.close()

    def _write(self, data: bytes, at: int) -> None:
        try:
            while data:
                written = os.pwrite(self._file.fileno(), data, at)
                data, at = data[written:], at + written
        except OSError as error:
            raise StateDirectoryUnusable(self._directory, error.strerror or str(error)) from None

    def _read(self, size: int, at: int) -> bytes:
        data = os.pread(self._file.fileno(), size, at)
        while len(data) < size:  # a read may give less than there is
            data += os.pread(self._file.fileno(), size - len(data), at + len(data))
        return data


def encoded(records: Sequence[RawRecord]) -> bytes:
    """A batch as one message."""
    return SpilledBatch(
        records=[SpilledRecord(**{name: getattr(record, name) for name in Record._fields}) for record in records]
    ).SerializeToString()


def decoded(data: bytes) -> Sequence[RawRecord]:
    """The batch in such a message."""
    return [
        Record(
            each.topic,
            each.partition,
            each.offset,
            each.timestamp,
            each.key if each.HasField("key") else None,
            each.value if each.HasField("value") else None,
        )
        for each in SpilledBatch.FromString(data).records
    ]
