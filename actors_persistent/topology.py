"""Sources, wiring, sinks: a consumer thread asks the actors, the event loop sends their answers, at-least-once."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence

from fastapi import APIRouter

from actors_persistent.asking import Actors
from actors_persistent.consumer import RecordConsumer
from actors_persistent.settings import ActorSettings
from actors_persistent.state import routes
from model.serving_state import ServingState
from serving.engine import ArrivedModel, FeedPosition, ModelStart
from serving.kernel import Kernel
from serving.models.loading import ModelLoading
from serving.scoring.outcomes import BatchOutcome, epoch_ms, score_batch
from serving.scoring.records import RawRecord
from serving.threads import in_daemon_thread

STALLED_S = 15.0
"""A batch or a model that waits longer for its actor, or for the disk, has this server told not ready."""


class Engine:
    """Back-pressure for actors, which have none.

    An actor's inbox is unbounded. So the consumer thread asks and waits for the answer before
    it fetches again, and counts what Kafka has not acknowledged yet: ``max_in_flight`` batches, never more.
    """

    models_from: ModelStart = "beginning"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        lag = kernel.report.metrics.lag
        self._consumer = RecordConsumer(kernel.settings, kernel.group, lag.set, self._ask_topic_id)
        self._scored: asyncio.Queue[BatchOutcome] = asyncio.Queue()  # holds at most ``max_in_flight``
        self._loop = asyncio.get_running_loop()
        self._actors: Actors | None = None
        self._models_topic_id = ""
        self._reached: int | None = None
        self._caught_up = False

    async def start(self) -> None:
        """Every actor as it was: its snapshot, the events since, and its model loaded again."""
        root = self._kernel.state_directory()
        settings = self._kernel.settings
        assert isinstance(settings, ActorSettings)
        self._models_topic_id = self._kernel.broker.models_topic_id
        self._actors = Actors(root, fsync=settings.fsync, load=ModelLoading.of(settings).load_again)
        position = await in_daemon_thread(self._actors.restore)
        self.models_from = position or "beginning"
        self._kernel.health.obstacles.append(self._stalled)

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Ask the data type's actor, and only then remember how far the models topic has been read."""
        assert self._actors is not None
        activated = await in_daemon_thread(self._actors.accept, arrived)
        if arrived.topic_id != self._models_topic_id:
            return activated  # created again while this server runs: models in no order; the next start reads them all
        self._reached = max(self._reached or 0, arrived.offset + 1)
        if self._caught_up:  # until then, too, models come in no particular order, and more may be missing
            await self._remember(self._reached)
        return activated

    async def run(self) -> None:
        """Fetch, ask, send, commit; after a stop the batches in flight are finished."""
        self._caught_up = True
        if self._reached is not None:
            await self._remember(self._reached)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send(tasks))
            reading = in_daemon_thread(self._consumer.run, self._score, self._kernel.broker.data_topic_id)
            consuming = tasks.create_task(reading)
            await self._kernel.stop.wait()
            self._consumer.stop()
            await consuming
            sending.cancel()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._consumer.assigned

    async def data_topic_recreated(self) -> None:
        """Have the consumer read it from its beginning; each batch says which topic's offsets it counts."""
        self._consumer.topic_recreated()

    def states(self) -> Sequence[ServingState]:
        """What the actors have told last: a query waits for none of them."""
        return () if self._actors is None else self._actors.states()

    def routes(self) -> APIRouter:
        """The paths that answer for the actors' states."""
        return routes(self.states)

    async def close(self) -> None:
        """Leave the group, end the actors, which close their models."""
        await in_daemon_thread(self._consumer.close)
        if self._actors is not None:
            await in_daemon_thread(self._actors.close)

    def _score(self, records: Sequence[RawRecord], data_topic_id: str) -> None:
        """On the consumer's thread: one batch after the other, so that results keep their records' order."""
        actors = self._actors
        assert actors is not None
        outcome = score_batch(records, lambda wines: actors.score(wines, data_topic_id), epoch_ms)
        self._loop.call_soon_threadsafe(self._scored.put_nowait, outcome)

    async def _send(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            outcome = await self._scored.get()
            acknowledged = await self._kernel.sink.enqueue(outcome)
            tasks.create_task(self._finish(outcome, acknowledged))

    async def _finish(self, outcome: BatchOutcome, acknowledged: Awaitable[None]) -> None:
        await acknowledged
        self._consumer.acknowledge(outcome.records)
        self._kernel.report.batch_finished(outcome)

    async def _remember(self, next_offset: int) -> None:
        assert self._actors is not None
        await in_daemon_thread(self._actors.keep_position, FeedPosition(self._models_topic_id, next_offset))

    def _stalled(self) -> str | None:
        waiting_s = 0.0 if self._actors is None else self._actors.waiting_s()
        return f"an actor, or the disk, has not answered for {waiting_s:.0f} s" if waiting_s > STALLED_S else None

    def _ask_topic_id(self) -> str | None:
        """On the consumer's thread."""
        return asyncio.run_coroutine_threadsafe(self._kernel.broker.find_data_topic_id(), self._loop).result()
