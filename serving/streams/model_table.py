"""The models in a global table: every instance has all of it, and its changelog has one partition.

Kafka Streams calls this a global store. A table that is partitioned like the data would hold a model's bytes once per
partition, on the disk, in memory while they are written, and in the changelog: 48 times for 48 partitions.

faust has a ``GlobalTable``; this is not it. Tried with faust-streaming 0.15.3: its writes raise ``PartitionsMismatch``
when the source has another number of partitions than its changelog, ``TypeError`` with ``use_partitioner``, and any
write outside a record of the source raises too, though a model arrives when no record is in flight. What its standbys
have read of a changelog is discarded at each rebalance, when the flow of records is resumed, and is not read again.

So each instance reads the changelog itself, outside the consumer group, into a copy on its disk. The rule is:

    The newest model by its offset in the models topic wins, in any order of the changelog.

- The owner of source partition 0 writes a model when it is activated. But an owner may have refused a model that
  others serve. So an instance that is about to acknowledge records which it has scored with a model waits for the owner
  about as long as the owner needs to write it, and then writes it itself; and so does, after ``GRACE_S``, an instance
  without records.
- An older model that comes later in the changelog is not applied, but written over again, by the same rule. Until then
  the copy's offset stays before it: a restart sees it again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import DecodeError

from protobufs.kept_state_pb2 import KeptModel
from serving.errors import BrokerRefused
from serving.kafka.clients import FETCH_MAX_WAIT_MS, RETRY_S, close_quietly, is_transient, retry_until_answered
from serving.scoring.kept_state import is_newer, without_data
from serving.settings.server import Settings
from serving.settings.topics import MAX_MESSAGE_BYTES

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PARTITIONS = 1
GRACE_S = 1.0  # so much later than others the owner may have loaded a model; a second write costs its bytes only
WRITES_BYTES_PER_S = 50e6
FETCH_WAIT_MS = 500

Send = Callable[[str, bytes, bytes], Awaitable[None]]
"""Writes a record to partition 0 of a topic, by key and value; returns when the broker has it."""


class Copy(Protocol):
    """The table on this instance's disk: what the changelog says, up to an offset."""

    def offset(self) -> int | None:
        """Of the last changelog record that is in it; None: it has none."""
        ...

    def data_types(self) -> list[bytes]:
        """The data types that have a model."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """A data type's model."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Write a model; on the disk no later than the next ``reached``."""
        ...

    def reached(self, offset: int) -> None:
        """The changelog has been read up to this record."""
        ...

    def close(self) -> None:
        """Write what is not on the disk yet."""
        ...


class ModelTable:
    """A model per data type: its bytes are on the disk and in the changelog, here is only what identifies it."""

    def __init__(
        self,
        settings: Settings,
        changelog: str,
        copy: Copy,
        owns: Callable[[], bool],
        models_topic_id: Callable[[], str],
        send: Send,
    ) -> None:
        """Nothing is read yet.

        Args:
            changelog: a compacted topic with one partition.
            owns: whether source partition 0 is this instance's now.
            models_topic_id: of the models topic as it is now.
        """
        self._partition = TopicPartition(changelog, 0)
        self._copy = copy
        self._owns = owns
        self._models_topic_id = models_topic_id
        self._send_record = send
        self._models: dict[str, KeptModel] = {}  # in the copy; without data
        self._unwritten: dict[str, tuple[KeptModel, float]] = {}  # put here, not read back yet; with data, and when
        self._overwritten: dict[str, float] = {}  # an older model came later in the changelog; and when
        self._sent: dict[str, KeptModel] = {}  # acknowledged, not read back yet; without data
        self._reading = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._applied = asyncio.Event()
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers,
            **settings.security.for_aiokafka(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            isolation_level="read_committed",  # what an aborted transaction wrote was never said
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        )

    async def start(self) -> None:
        """Read what the copy lacks of the changelog."""
        for key in self._copy.data_types():
            self._models[key.decode()] = without_data(KeptModel.FromString(self._copy.get(key) or b""))
        await retry_until_answered(self._consumer.start)
        self._consumer.assign([self._partition])
        first = (await retry_until_answered(lambda: self._consumer.beginning_offsets([self._partition])))[
            self._partition
        ]
        reached = self._copy.offset()
        start = first if reached is None else reached + 1
        if not first <= start <= await self._end():
            # Compacted since, or another topic that has this name now: what it lacks of the copy is written to it.
            start = first
            self._overwritten = dict.fromkeys(self._models, time.monotonic())
        self._consumer.seek(self._partition, start)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Read all that is in the changelog now."""
        end = await self._end()
        while await self._consumer.position(self._partition) < end:
            await self._read()

    async def run(self) -> None:
        """Until cancelled: read the changelog, and write to it what is this instance's to write."""
        while True:
            await self.step()

    async def step(self) -> None:
        """What ``run`` does again and again; it waits for the changelog for up to ``FETCH_WAIT_MS``."""
        await self._read()
        await self._write_due(GRACE_S)

    async def close(self) -> None:
        """Close the client and the copy."""
        await close_quietly(self._consumer.stop())
        self._copy.close()

    def data_types(self) -> list[str]:
        """Those that have a model."""
        return sorted(self._models.keys() | self._unwritten.keys())

    def newest(self, data_type: str) -> KeptModel | None:
        """The newest model for a data type, without its data."""
        if data_type in self._unwritten:
            return without_data(self._unwritten[data_type][0])
        return self._models.get(data_type)

    def model(self, data_type: str) -> KeptModel:
        """The newest model for a data type that has one, with its data."""
        if data_type in self._unwritten:
            return self._unwritten[data_type][0]
        return KeptModel.FromString(self._copy.get(data_type.encode()) or b"")

    def put(self, model: KeptModel) -> None:
        """Add a model that is newer than the table's; the owner of source partition 0 writes it."""
        self._unwritten[model.descriptor.dataType] = model, time.monotonic()

    def has_written(self, data_type: str) -> bool:
        """Whether the changelog has the newest model for a data type."""
        return not {data_type} & (self._unwritten.keys() | self._overwritten.keys())

    async def written(self) -> None:
        """Wait until the changelog has every model that was put: by its owner's write, or by one of ours.

        Raises:
            BrokerRefused: it will never take it.
        """
        for data_type, (model, put_s) in list(self._unwritten.items()):
            if not self._owns():
                left_s = put_s + len(model.descriptor.data) / WRITES_BYTES_PER_S - time.monotonic()
                await self._read_back(data_type, left_s)
        await self._write_due(0)

    async def _read_back(self, data_type: str, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while data_type in self._unwritten:
                    self._applied.clear()
                    await self._applied.wait()

    async def _write_due(self, grace_s: float) -> None:
        async with self._writing:
            for data_type in [*self._unwritten, *self._overwritten]:
                while self._is_due(data_type, grace_s):
                    await self._write(self.model(data_type))

    def _is_due(self, data_type: str, grace_s: float) -> bool:
        if data_type in self._unwritten:
            since_s = self._unwritten[data_type][1]
        elif data_type in self._overwritten:
            since_s = self._overwritten[data_type]
            grace_s = GRACE_S
        else:
            return False
        if self._sent.get(data_type) == self.newest(data_type):
            return False
        return self._owns() or time.monotonic() - since_s >= grace_s

    async def _write(self, model: KeptModel) -> None:
        data_type = model.descriptor.dataType
        try:
            await self._send_record(self._partition.topic, data_type.encode(), model.SerializeToString())
        except KafkaError as error:
            if not is_transient(error):
                raise BrokerRefused(f"writing to {self._partition.topic}", str(error)) from error
            await asyncio.sleep(RETRY_S)
        else:
            self._sent[data_type] = without_data(model)

    async def _read(self) -> None:
        async with self._reading:
            try:
                fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS)
            except KafkaError as error:
                if not is_transient(error):
                    raise BrokerRefused(f"reading {self._partition.topic}", str(error)) from error
                await asyncio.sleep(RETRY_S)
                return
            records = [record for records in fetched.values() for record in records]
            for record in records:
                self._apply(record)
            self._applied.set()
            if records and not self._overwritten:
                self._copy.reached(records[-1].offset)

    async def _end(self) -> int:
        return int((await retry_until_answered(lambda: self._consumer.end_offsets([self._partition])))[self._partition])

    def _apply(self, record: Any) -> None:
        model = _row(record)
        if model is None:
            log.warning("changelog_record_ignored", topic=record.topic, offset=record.offset)
            data_type = (record.key or b"").decode(errors="replace")
            if data_type in self._models:  # a tombstone: compaction would leave nothing to restore from
                self._is_overwritten(data_type)
            return
        data_type = model.descriptor.dataType
        current = self._models_topic_id()
        known = self._models.get(data_type)
        if known is not None and is_newer(known, model, current):
            self._is_overwritten(data_type)
            return
        self._copy.put(record.key, record.value)
        self._models[data_type] = without_data(model)
        self._overwritten.pop(data_type, None)
        self._sent.pop(data_type, None)
        if data_type in self._unwritten and not is_newer(self._unwritten[data_type][0], model, current):
            del self._unwritten[data_type]

    def _is_overwritten(self, data_type: str) -> None:
        self._overwritten.setdefault(data_type, time.monotonic())
        self._sent.pop(data_type, None)


def _row(record: Any) -> KeptModel | None:
    """The model in a changelog record; None: it was not written by a ``ModelTable``."""
    try:
        model = KeptModel.FromString(record.value or b"")
    except DecodeError:
        return None
    return model if record.value and record.key == model.descriptor.dataType.encode() else None
