"""An application on the stage: faust's is a stand-in that does what a test says; streams and batches are real ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from serving.kernel import Kernel
from serving.settings.server import Settings
from serving.streams import application
from serving.streams.application import Application
from serving.streams.batches import Batch
from serving.telemetry.report import Report
from tests.support.faust_records import TOPIC, NoKafka, event, unstarted

DEADLINE_S = 5.0
SOME_TURNS = 20  # of the event loop: enough for all that is ready to happen


class Consumer(NoKafka):
    """Has two of three partitions, counts the commits."""

    def __init__(self) -> None:
        super().__init__()
        self.finish_in_flight: Callable[[], Awaitable[None]]
        self.partitions = {0, 2}
        self.commits = 0
        self.recreated: tuple[str, str] | None = None

    async def topic_recreated(self, topic: str, topic_id: str) -> None:
        self.recreated = (topic, topic_id)
        self.epoch += 1

    def assignment(self) -> set[TP]:
        return {TP(TOPIC, each) for each in self.partitions} | {TP("changelog", 1)}

    async def maybe_wait_for_commit_to_finish(self) -> None: ...

    async def commit(self) -> None:
        self.commits += 1


class Group:
    """faust's application, started in its first generation when ``start`` is called; its tables are restored then."""

    def __init__(self) -> None:
        self.consumer = Consumer()
        self.started = self.crashed = self.rebalancing = self.stopped = False
        self.crash_reason: BaseException | None = None
        self.fails: BaseException | None = None
        self.consumer_generation_id = 0
        self.tables = SimpleNamespace(recovery=SimpleNamespace(completed_generation=None))
        self.router = SimpleNamespace(external_topics_metadata=lambda: self.metadata)
        self.metadata: dict[str, dict[str, list[int]]] = {}
        faust = unstarted()
        faust.consumer = self.consumer
        faust.flow_control.resume()
        self.stream = faust.stream(faust.topic(TOPIC, key_type=bytes, value_type=bytes))
        self.topic = faust.topic
        self._faust = faust

    def agent(self, *_: Any, **__: Any) -> Callable[[Any], Any]:
        return lambda function: function

    async def start(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.started = True
        self.rebalanced()
        self.recovered()

    async def stop(self) -> None:
        self.stopped = True

    async def crash(self, reason: BaseException) -> None:
        self.crashed = True
        self.crash_reason = reason

    def rebalanced(self) -> None:
        """The group has assigned the partitions again; this instance's tables are not read yet."""
        self.consumer.epoch += 1
        self.consumer_generation_id += 1
        self._faust.consumer_generation_id = self.consumer_generation_id

    def recovered(self) -> None:
        """The tables of this generation are read."""
        self.tables.recovery.completed_generation = self.consumer_generation_id

    def fetched(self, *places: tuple[int, int]) -> list[Any]:
        """Batches of this generation come, of one record each, by partition and offset."""
        events = [event(self._faust, *place, generation=self.consumer_generation_id) for place in places]
        for each in events:
            self.stream.channel.queue.put_nowait(each)
        return events


class Scene:
    """An application, its group, and an agent that scores each batch, and then finishes it, when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, host: str = "127.0.0.1") -> None:
        self.group = Group()
        monkeypatch.setattr(application, "POLL_S", 0)  # each turn of the event loop
        self.broker = SimpleNamespace(cluster_id="cluster", data_partitions=3, data_topic_id="first")
        flags: dict[str, Any] = {"host": host, "topic_prefix": "models"}
        settings = Settings(**flags)
        self.kernel = Kernel("scores", 8080, settings, cast(Any, None), cast(Any, self.broker), Report())
        self.restored: list[set[int]] = []
        self.while_restoring: Callable[[], None] = lambda: None
        self.application = Application(self.kernel, list, self._restore)
        self.batches: list[Batch] = []
        self.scored = asyncio.Semaphore(0)
        self.finish = asyncio.Semaphore(0)  # released for each batch

    async def _restore(self, partitions: set[int]) -> None:
        self.restored.append(partitions)
        self.while_restoring()

    async def agent(self) -> None:
        async for batch in self.group.stream.noack():
            async with self.application.scoring(batch) as ours:
                if ours:
                    self.batches.append(batch)
                    await self.scored.acquire()
                    await self.application.finish(self._finish(batch))

    async def _finish(self, batch: Batch) -> None:
        await self.finish.acquire()
        batch.acknowledge()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Started, with the agent at work; the task is ``run``."""
        await self.application.start(self.group)
        tasks = [asyncio.create_task(each) for each in (self.application.run(), self.agent())]
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self.group.stream.stop()

    @property
    def places(self) -> list[list[tuple[int, int]]]:
        return [[(record.partition, record.offset) for record in batch.records] for batch in self.batches]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # what is awaited has no event
        await asyncio.sleep(0.001)


async def some_turns() -> None:
    for _ in range(SOME_TURNS):
        await asyncio.sleep(0)


Run = Callable[[Callable[[Scene], Awaitable[None]]], None]
"""Runs a play on a new scene."""


def played(monkeypatch: pytest.MonkeyPatch, play: Callable[[Scene], Awaitable[None]]) -> None:
    async def scene() -> None:
        await play(Scene(monkeypatch))

    asyncio.run(scene())
