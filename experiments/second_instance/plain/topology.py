"""From Kafka to Kafka in one loop."""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.errors import CommitFailedError, IllegalStateError
from fastapi import APIRouter

from experiments.second_instance.plain.settings import PlainSettings
from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kafka.clients import close_quietly
from serving.kafka.header_names import consumer
from serving.kernel import Kernel
from serving.models.feed import read_descriptor
from serving.models.loading import ModelLoading
from serving.scoring.records import RawRecord
from serving.scoring.states import States
from serving.settings.topics import MAX_MESSAGE_BYTES
from serving.threads import in_daemon_thread

FETCH_WAIT_MS = 200


class Engine:
    """An engine that fetches, scores, sends, waits and commits, one batch after the other."""

    models_from: ModelStart = "beginning"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._settings = settings = kernel.settings
        assert isinstance(settings, PlainSettings)
        self._in_group = settings.models_read == "in-group"
        self._loading = ModelLoading.of(settings)
        self._states = States()
        self._scoring = asyncio.Lock()
        self._consumer: Any = consumer(
            bootstrap_servers=settings.bootstrap_servers,
            group_id=kernel.group,
            # The group sorts its members by this. The last of four partitions, the models topic's, so goes to the
            # instance that was started last: the same one in each run.
            client_id=str(time.time_ns()),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 5,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        )

    async def start(self) -> None:
        """Join the group, for one topic or for both."""
        topics = self._settings.topics
        self._consumer.subscribe([topics.data, topics.models] if self._in_group else [topics.data])
        await self._consumer.start()

    async def accept(self, arrived: ArrivedModel) -> bool:
        """What the feed brings, outside the group; without effect where models are read inside it."""
        if self._in_group:
            arrived.loaded.close()
            return False
        async with self._scoring:
            self._states.accept(arrived.loaded)
        return True

    async def run(self) -> None:
        """Fetch, learn, score, send, commit."""
        while not self._kernel.stop.is_set():
            fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=self._settings.max_batch)
            for partition, records in fetched.items():
                if partition.topic == self._settings.topics.models:
                    await self._learn(records)
                else:
                    await self._score(records)
            if fetched:
                with suppress(CommitFailedError, IllegalStateError):  # another instance's by now, which scores it again
                    await self._consumer.commit()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._partitions(self._settings.topics.data) or None

    async def data_topic_recreated(self) -> None:
        """A measurement does not do that."""

    def states(self) -> Sequence[ServingState]:
        """Ask the field."""
        return self._states.states()

    def routes(self) -> APIRouter:
        """Which partitions this instance has."""
        router = APIRouter()

        @router.get("/assigned")
        async def assigned() -> dict[str, list[int]]:
            topics = self._settings.topics
            return {"data": self._partitions(topics.data), "models": self._partitions(topics.models)}

        return router

    async def close(self) -> None:
        """Leave the group, close the models."""
        await close_quietly(self._consumer.stop())
        self._states.close()

    def _partitions(self, topic: str) -> list[int]:
        return sorted(each.partition for each in self._consumer.assignment() if each.topic == topic)

    async def _learn(self, records: Sequence[RawRecord]) -> None:
        for record in records:
            loaded, kept = await in_daemon_thread(self._loading.load, read_descriptor(record.value))
            self._states.accept(loaded)
            arrived = ArrivedModel(loaded, record.offset, kept, self._kernel.broker.models_topic_id)
            self._kernel.report.model_accepted(arrived, activated=True)

    async def _score(self, records: Sequence[RawRecord]) -> None:
        async with self._scoring:
            outcome = await in_daemon_thread(self._states.score_batch, records)
        await (await self._kernel.sink.enqueue(outcome))
        self._kernel.report.batch_finished(outcome)
