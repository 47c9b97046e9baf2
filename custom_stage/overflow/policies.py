"""Three answers to one question: what happens while records come in faster than they are scored?

They wait in Kafka, or the oldest are left out, or they wait in a file. The first is what Kafka is for: the lag grows
where everybody can see it, and nothing else does. The second is for scores that are worth nothing when they are late.
The third is for a topic that keeps its records for less time than a rush takes; it is bounded too, and then waits.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from custom_stage.delivery.source import Source
from custom_stage.overflow.metrics import OverflowMetrics
from custom_stage.overflow.spill_file import SpillFile, decoded, encoded
from custom_stage.settings import StageSettings
from serving.kernel import Kernel
from serving.scoring.records import RawRecord

STOP_CHECK_S = 0.2  # how long a stop may go unnoticed while no records come
RECORD_OVERHEAD_BYTES = 500
"""What a record takes in memory besides its key and its value."""


class Overflow(Protocol):
    """What stands between the source and the stage."""

    async def run(self) -> None:
        """Concurrently with the serving, until cancelled: read ahead, where the policy does."""
        ...

    async def next(self) -> Sequence[RawRecord]:
        """The next batch for the stage, in flight from now on; none after 0.2 s, to let the caller check for a stop."""
        ...


def make_overflow(kernel: Kernel, settings: StageSettings, source: Source) -> Overflow:
    """The policy that the settings name."""
    metrics = OverflowMetrics(kernel.report.metrics.registry)
    if settings.overflow == "drop-oldest":
        return DropOldest(source, metrics, settings.overflow_bytes)
    if settings.overflow == "spill":
        return Spill(source, metrics, lambda: SpillFile(kernel.state_directory(), settings.overflow_bytes))
    return Wait(source, metrics)


class Wait:
    """Read when the stage asks, and only then."""

    def __init__(self, source: Source, metrics: OverflowMetrics) -> None:
        """The source is all it needs."""
        self._source = source
        self._metrics = metrics
        self._busy_since_s: float | None = None

    async def run(self) -> None:
        """See ``Overflow``: nothing is read ahead."""

    async def next(self) -> Sequence[RawRecord]:
        """See ``Overflow``."""
        if self._busy_since_s is not None:
            self._metrics.waited_s.inc(time.monotonic() - self._busy_since_s)
        records = await self._source.fetch()
        self._busy_since_s = time.monotonic() if records else None
        return records


@dataclass(slots=True)
class _Batch:
    generation: int  # of the source, when it was read
    records: Sequence[RawRecord] | None  # None: they are in the file
    bytes: int


class _ReadAhead(ABC):
    """Batches that were read and are not in flight yet; those of an older generation are another instance's."""

    def __init__(self, source: Source, metrics: OverflowMetrics) -> None:
        self._source = source
        self._metrics = metrics
        self._waiting: deque[_Batch] = deque()
        self._came = asyncio.Event()

    async def run(self) -> None:
        """See ``Overflow``."""
        while True:
            records = await self._source.read()
            if records:
                await self._keep(records)
                self._came.set()
            await asyncio.sleep(0)  # while there is a backlog, the reading never waits by itself

    async def next(self) -> Sequence[RawRecord]:
        """See ``Overflow``."""
        try:
            async with asyncio.timeout(STOP_CHECK_S):
                await self._came.wait()
        except TimeoutError:
            return []
        while self._waiting:
            batch = self._popped()
            if self._is_ours(batch):
                assert batch.records is not None
                self._source.take(batch.records)
                return batch.records
        self._came.clear()
        return []

    @abstractmethod
    async def _keep(self, records: Sequence[RawRecord]) -> None:
        """Put a batch at the end of the queue."""

    def _append(self, batch: _Batch) -> None:
        self._waiting.append(batch)
        self._metrics.waiting_bytes.inc(batch.bytes)

    def _popped(self) -> _Batch:
        batch = self._waiting.popleft()
        self._metrics.waiting_bytes.dec(batch.bytes)
        return batch

    def _is_ours(self, batch: _Batch) -> bool:
        return batch.generation == self._source.generation


class DropOldest(_ReadAhead):
    """Read on; above the limit of waiting bytes, drop the oldest batch: it is committed without an outcome."""

    def __init__(self, source: Source, metrics: OverflowMetrics, most_bytes: int) -> None:
        """At least the youngest batch is kept, of any size."""
        super().__init__(source, metrics)
        self._most_bytes = most_bytes
        self._bytes = 0

    async def _keep(self, records: Sequence[RawRecord]) -> None:
        self._append(_Batch(self._source.generation, records, sum(map(_size, records))))
        self._bytes += self._waiting[-1].bytes
        while self._bytes > self._most_bytes and len(self._waiting) > 1:
            oldest = self._popped()
            if self._is_ours(oldest) and oldest.records is not None:
                self._source.pass_over(oldest.records)
                self._metrics.dropped.inc(len(oldest.records))

    def _popped(self) -> _Batch:
        batch = super()._popped()
        self._bytes -= batch.bytes
        return batch


class Spill(_ReadAhead):
    """Read on, into a file; once that is full, wait. A batch that finds an empty queue is not written to it."""

    def __init__(self, source: Source, metrics: OverflowMetrics, file: Callable[[], SpillFile]) -> None:
        """``file`` makes the file, when the serving begins."""
        super().__init__(source, metrics)
        self._open = file
        self._room = asyncio.Event()
        self._file: SpillFile

    async def run(self) -> None:
        """See ``Overflow``.

        Raises:
            StateDirectoryUnusable: the file cannot be made or written.
        """
        with closing(self._open()) as self._file:
            await super().run()

    async def _keep(self, records: Sequence[RawRecord]) -> None:
        generation = self._source.generation
        data = b""
        while self._waiting:
            data = data or encoded(records)
            if self._file.put(data):
                self._metrics.spilled.inc(len(records))
                self._append(_Batch(generation, None, len(data)))
                return
            full_since_s = time.monotonic()
            self._room.clear()
            await self._room.wait()
            self._metrics.waited_s.inc(time.monotonic() - full_since_s)
        self._append(_Batch(generation, records, sum(map(_size, records))))

    def _popped(self) -> _Batch:
        batch = super()._popped()
        if batch.records is None:
            batch.records = decoded(self._file.get())
        self._room.set()
        return batch


def _size(record: RawRecord) -> int:
    return len(record.key or b"") + len(record.value or b"") + RECORD_OVERHEAD_BYTES
