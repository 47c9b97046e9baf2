"""From Kafka to Kafka, two batches in flight."""

import asyncio
from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaProducer
from fastapi import APIRouter

from custom_stage.delivery.source import Source
from custom_stage.settings import StageSettings
from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kafka.sink import MAX_BATCH_BYTES
from serving.kernel import Kernel
from serving.scoring.records import RawRecord

PARTITION = attrgetter("partition")


class Engine:
    """An engine that learns models, as the measurement asks it to, and uses none."""

    models_from: ModelStart = "end"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        settings = kernel.settings
        assert isinstance(settings, StageSettings)
        self._source = Source(settings, kernel.group, kernel.broker)
        self._slots = asyncio.Semaphore(kernel.settings.batches_in_flight)
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=kernel.settings.bootstrap_servers, acks="all", max_batch_size=MAX_BATCH_BYTES
        )

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Not even looked at: this scores nothing, with any model."""
        arrived.loaded.close()
        return True

    async def run(self) -> None:
        """Fetch, send, commit."""
        await self._source.start()
        async with asyncio.TaskGroup() as tasks:
            committing = tasks.create_task(self._source.commit_acknowledged())
            while not self._kernel.stop.is_set():
                await self._slots.acquire()
                if records := await self._source.fetch():
                    tasks.create_task(self._finish(records, await self._send(records)))
                else:
                    self._slots.release()
            committing.cancel()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._source.assigned()

    async def data_topic_recreated(self) -> None:
        """A measurement does not do that."""

    def states(self) -> Sequence[ServingState]:
        """It has none."""
        return ()

    def routes(self) -> APIRouter:
        """None: it has no state."""
        return APIRouter()

    async def close(self) -> None:
        """Leave the group, disconnect."""
        await self._source.close()
        await self._producer.stop()

    async def _send(self, records: Sequence[RawRecord]) -> list[asyncio.Future[Any]]:
        sent = []
        for partition, group in groupby(records, PARTITION):
            batch = self._producer.create_batch()
            for record in group:
                while batch.append(key=record.key, value=record.value, timestamp=None) is None:
                    sent.append(await self._producer.send_batch(batch, self._topic, partition=partition))
                    batch = self._producer.create_batch()
            sent.append(await self._producer.send_batch(batch, self._topic, partition=partition))
        return sent

    @property
    def _topic(self) -> str:
        return self._kernel.settings.topics.scores

    async def _finish(self, records: Sequence[RawRecord], sent: Sequence[asyncio.Future[Any]]) -> None:
        await asyncio.gather(*sent)
        self._source.acknowledge(records)
        self._slots.release()
