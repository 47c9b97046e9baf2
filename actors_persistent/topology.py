"""Sources, wiring, sinks: a consumer thread asks the actors, the event loop sends their answers, at-least-once."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence

from actors_persistent.asking import Actors
from actors_persistent.consumer import RecordConsumer
from actors_persistent.feed_position import FeedPosition
from model.serving_state import ServingState
from serving.daemon_thread import in_daemon_thread
from serving.engine import ArrivedModel, ModelStart
from serving.engine import FeedPosition as Start
from serving.kernel import Kernel, epoch_ms
from serving.model_loading import ModelLoading
from serving.records import RawRecord
from serving.serve import ServedBatch, serve


class Topology:
    """Who waits for whom when actors never wait.

    An actor's inbox takes whatever it is sent, without end. So the consumer thread asks and waits for the answer before
    it fetches again, and counts what Kafka has not acknowledged yet: ``max_in_flight`` batches, never more.
    """

    models_from: ModelStart = "beginning"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._consumer = RecordConsumer(kernel.settings, kernel.group, kernel.report.metrics.lag.set)
        self._scored: asyncio.Queue[ServedBatch] = asyncio.Queue()  # holds at most ``max_in_flight``
        self._loop = asyncio.get_running_loop()
        self._actors: Actors | None = None
        self._position: FeedPosition | None = None
        self._reached: int | None = None
        self._caught_up = False

    async def start(self) -> None:
        """Every actor as it was: its snapshot, the events since, and its model loaded again."""
        root, settings = self._kernel.state_directory(), self._kernel.settings
        self._position = FeedPosition(root)
        kept = await in_daemon_thread(self._position.read)
        self.models_from = "beginning" if kept is None else Start(self._kernel.broker.models_topic_id, kept)
        self._actors = Actors(root, fsync=settings.fsync, load=ModelLoading.of(settings).load_again)
        await in_daemon_thread(self._actors.restore)

    async def accept(self, arrived: ArrivedModel) -> None:
        """Ask the data type's actor, and remember how far the models topic has been read."""
        assert self._actors is not None
        await in_daemon_thread(self._actors.accept, arrived)
        if self._caught_up:
            await self._remember(arrived.offset + 1)
        else:  # models come in no particular order, and more may be missing: not to be remembered yet
            self._reached = max(self._reached or 0, arrived.offset + 1)

    async def serve(self) -> None:
        """Fetch, ask, send, commit; after a stop the batches in flight are finished."""
        self._caught_up = True
        if self._reached is not None:
            await self._remember(self._reached)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send(tasks))
            consuming = tasks.create_task(in_daemon_thread(self._consumer.run, self._score))
            await self._kernel.stop.wait()
            self._consumer.stop()
            await consuming
            sending.cancel()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._consumer.assigned

    async def data_topic_recreated(self) -> None:
        """Not yet: offsets of the old topic still count."""

    def states(self) -> Sequence[ServingState]:
        """Ask the manager, who knows."""
        return () if self._actors is None else self._actors.states()

    async def close(self) -> None:
        """Leave the group, end the actors, which close their models."""
        await in_daemon_thread(self._consumer.close)
        if self._actors is not None:
            await in_daemon_thread(self._actors.close)

    def _score(self, records: Sequence[RawRecord]) -> None:
        """On the consumer's thread: one batch after the other, so that results keep their records' order."""
        assert self._actors is not None
        served = serve(records, self._actors.score, epoch_ms)
        self._loop.call_soon_threadsafe(self._scored.put_nowait, served)

    async def _send(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            served = await self._scored.get()
            acknowledged = await self._kernel.sink.enqueue(served)
            tasks.create_task(self._settle(served, acknowledged))

    async def _settle(self, served: ServedBatch, acknowledged: Awaitable[None]) -> None:
        await acknowledged
        self._consumer.acknowledge(served.records)
        self._kernel.report.batch_served(served)

    async def _remember(self, next_offset: int) -> None:
        assert self._position is not None
        await in_daemon_thread(self._position.write, next_offset)
