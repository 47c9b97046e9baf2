"""Models from Kafka, read outside any consumer group: every instance learns every model."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import DecodeError

from model.errors import LocalFailure, ModelRejected
from model.model import LoadedModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel, FeedPosition, ModelStart
from serving.errors import BrokerRefused
from serving.kafka.clients import FETCH_MAX_WAIT_MS, RETRY_S, close_quietly, is_transient, retry_until_answered
from serving.kafka.header_names import consumer
from serving.models.digest import announced_sha256
from serving.models.loading import ModelLoading
from serving.scoring.records import RawRecord, RejectedRecord
from serving.settings.server import Settings
from serving.settings.topics import MAX_MESSAGE_BYTES
from serving.threads import TookTooLong, in_thread

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FETCH_WAIT_MS = 500
POSTPONED_S, MAX_POSTPONED_S = 1.0, 10.0
"""Delays before a model is loaded again that this machine could not load: the first, doubled up to the second."""
OLDER_MODELS_KEPT = 8  # how far catching up goes back per data type when the newest models cannot be loaded
MAX_NAME_CHARACTERS = 255
LOAD_GRACE_S = 1.0  # a trial, or a download, that takes too long says so itself

Accept = Callable[[ArrivedModel], Awaitable[None]]
Reject = Callable[[RejectedRecord, str], Awaitable[None]]
"""Told the record and the model's name, or "" where it has none."""

Loaded = tuple[LoadedModel, ModelDescriptor]
"""A model, and the descriptor to keep of it."""


class _Recreated(Exception):
    """The topic that a model came from was deleted."""


class ModelFeed:
    """Reads the models topic, loads each model in a thread - scoring goes on meanwhile - and hands it over in order."""

    def __init__(
        self, settings: Settings, topic_id: Callable[[], str], start: ModelStart, accept: Accept, reject: Reject
    ) -> None:
        """``topic_id``: of the models topic as it is now."""
        self._partition = TopicPartition(settings.topics.models, 0)  # "the newest model" needs one order: one partition
        self._topic_id = topic_id
        self._start = start
        self._recreated = False
        self._pmml_is_1 = settings.pmml_is_1
        self._loading = ModelLoading.of(settings)
        self._accept = accept
        self._reject = reject
        self._consumer: Any = consumer(
            bootstrap_servers=settings.bootstrap_servers,
            **settings.security.for_aiokafka(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            isolation_level="read_committed",  # what an aborted transaction wrote was never said
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        )
        self.caught_up = asyncio.Event()
        """Set when every model that was in the topic at the start has been handed over or refused."""

    async def run(self) -> None:
        """Until cancelled: hand over models. Catching up loads only the newest loadable model of each data type."""
        try:
            await retry_until_answered(self._consumer.start)
            await self._catch_up(await self._seek())
            self.caught_up.set()
            while True:
                if self._recreated:
                    self._recreated = False
                    self._start = "beginning"
                    await self._catch_up(await self._seek())
                for record in await self._fetch():
                    await self._take(record)
        finally:
            await close_quietly(self._consumer.stop())

    def topic_recreated(self) -> None:
        """The models topic was deleted and created again: read it from its beginning, after the model in progress."""
        self._recreated = True

    async def _seek(self) -> int:
        """Begin reading where this variant's feed goes on from; the answer is where the topic ends at present."""
        begins = await retry_until_answered(lambda: self._consumer.beginning_offsets([self._partition]))
        first = begins[self._partition]
        end = await self._end()
        # exercise[mf-1]: take the partition, outside any consumer group, and set the offset of the first model to read
        raise NotImplementedError("exercise mf-1")
        # end[mf-1]
        return end

    async def _end(self) -> int:
        return int((await retry_until_answered(lambda: self._consumer.end_offsets([self._partition])))[self._partition])

    async def _catch_up(self, end: int) -> None:
        newest: defaultdict[str, deque[tuple[RawRecord, ModelDescriptor]]]
        newest = defaultdict(lambda: deque(maxlen=OLDER_MODELS_KEPT))
        # The end is asked again: the topic may be recreated, and shorter, meanwhile.
        while await self._consumer.position(self._partition) < min(end, await self._end()):
            for record in await self._fetch():
                if (descriptor := await self._read(record)) is not None:
                    newest[descriptor.dataType].append((record, descriptor))
        for candidates in newest.values():
            while candidates and not await self._load(*candidates.pop()):
                pass
        log.info("models_caught_up", data_types=len(newest))

    async def _fetch(self) -> list[RawRecord]:
        try:
            fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS)
        except KafkaError as error:
            if not is_transient(error):
                raise BrokerRefused(f"reading {self._partition.topic}", str(error)) from error
            await asyncio.sleep(RETRY_S)
            return []
        return [record for records in fetched.values() for record in records]

    async def _take(self, record: RawRecord) -> None:
        if (descriptor := await self._read(record)) is not None:
            await self._load(record, descriptor)

    async def _read(self, record: RawRecord) -> ModelDescriptor | None:
        """The record's descriptor; None if there is none in it, which has been said by then."""
        try:
            return read_descriptor(record.value, pmml_is_1=self._pmml_is_1)
        except ValueError as error:
            await self._reject(RejectedRecord(record, str(error)), "")
            return None

    async def _load(self, record: RawRecord, descriptor: ModelDescriptor) -> bool:
        """Hand over the model that a record announces; False if it cannot serve, which has been said by then."""
        log.info("model_arrived", model=descriptor.name, data_type=descriptor.dataType, offset=record.offset)
        # exercise[mf-2]: load the model, or refuse it with its reason; True: no older model of its type is wanted
        raise NotImplementedError("exercise mf-2")
        # end[mf-2]
        await self._accept(ArrivedModel(loaded, record.offset, kept, topic_id))
        return True

    async def _loaded_when_possible(self, record: Any, descriptor: ModelDescriptor) -> Loaded:
        """A failure of this machine is waited out. Models behind this one wait, too: their order is what tells newest.

        Raises:
            ModelRejected: the model cannot serve.
            _Recreated: its topic is gone.
        """
        wait_s = 0.0
        while True:
            try:
                return await self._loaded(record, descriptor)
            except LocalFailure as failure:
                if not wait_s:
                    log.warning("model_postponed", model=descriptor.name, reason=failure.reason)
            wait_s = min(2 * wait_s or POSTPONED_S, MAX_POSTPONED_S)
            await asyncio.sleep(wait_s)
            if self._recreated:
                raise _Recreated

    async def _loaded(self, record: Any, descriptor: ModelDescriptor) -> Loaded:
        load = partial(self._loading.load, descriptor, announced_sha256(record.headers))
        try:
            return await in_thread(load, self._loading.timeout_s + LOAD_GRACE_S, lambda late: late[0].close())
        except TookTooLong:
            log.warning("model_load_abandoned", model=descriptor.name)
            limit = f"{self._loading.timeout_s:g} s (--model-load-timeout-s)"
            raise ModelRejected(descriptor.name, f"did not load within {limit}") from None


def read_descriptor(value: bytes | None, *, pmml_is_1: bool = False) -> ModelDescriptor:
    """The descriptor in a record's value.

    Args:
        pmml_is_1: model type 1 means PMML, as in the JVM tutorial's first version.
    Raises:
        ValueError: there is none in it; the text is the reason.
    """
    if not value:
        raise ValueError("empty value (a tombstone withdraws no model: the current one goes on serving)")
    try:
        descriptor = ModelDescriptor.FromString(value)
    except DecodeError:
        raise ValueError("not a ModelDescriptor: the bytes are no such protobuf message") from None
    if len(descriptor.name) > MAX_NAME_CHARACTERS or len(descriptor.dataType) > MAX_NAME_CHARACTERS:
        raise ValueError(f"name or data type longer than {MAX_NAME_CHARACTERS} characters")
    if pmml_is_1 and descriptor.modeltype == ModelDescriptor.TENSORFLOWSAVED:
        descriptor.modeltype = ModelDescriptor.PMML
    return descriptor
