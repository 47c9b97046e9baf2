"""Sources, wiring, sinks: Kafka to reactivex and back, in the delivery mode that the settings name."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from reactivex import Subject
from reactivex.abc import DisposableBase, SchedulerBase
from reactivex.scheduler import EventLoopScheduler

from custom_stage.delivery.modes import delivering
from custom_stage.delivery.source import Source
from custom_stage.overflow.policies import overflow
from custom_stage.state import Records, ServingStage
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kernel import Kernel
from serving.scoring.outcomes import ServedBatch

T = TypeVar("T")


class Topology:
    """Where demand comes from when a library only pushes.

    A reactivex subscriber cannot ask for less: whatever is pushed, it gets. So the asking is done where the records
    come in. The fetch loop takes a slot before each batch, and the sink gives it back when everything that became of
    that batch is acknowledged: ``max_in_flight`` batches, never more, whichever of the two is the slower.
    """

    models_from: ModelStart = "beginning"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._source = Source(kernel.settings, kernel.group, kernel.broker)
        self._overflow = overflow(kernel, self._source)
        self._delivering = delivering(kernel, self._source)
        self._slots = asyncio.Semaphore(kernel.settings.batches_in_flight)
        self._scored: asyncio.Queue[ServedBatch] = asyncio.Queue()  # holds at most ``max_in_flight``
        self._loop = asyncio.get_running_loop()
        self._thread = EventLoopScheduler()
        self._stage = ServingStage()
        self._data: Subject[Records] = Subject()
        self._models: Subject[LoadedModel] = Subject()
        self._data.pipe(self._stage.joined_with(self._models)).subscribe(self._on_scored)

    async def start(self) -> None:
        """Nothing to restore: the model topic is the memory."""
        await self._delivering.start()

    async def accept(self, arrived: ArrivedModel) -> None:
        """Push a model; it is in force when this returns."""
        await self._push(self._models, arrived.loaded)

    async def serve(self) -> None:
        """Fetch, score, send, commit; after a stop the batches in flight are finished."""
        await self._source.start()
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._source.commit_acknowledged()),
                tasks.create_task(self._overflow.run()),
                tasks.create_task(self._send(tasks)),
            ]
            while not self._kernel.stop.is_set():
                await self._slots.acquire()
                records = await self._overflow.next()
                self._kernel.report.metrics.lag.set(self._source.lag())
                if records and await self._delivering.begin(records):
                    await self._push(self._data, records)
                else:
                    self._slots.release()
            await self._scored.join()
            for task in beside:
                task.cancel()
        await self._source.close()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._source.assigned()

    async def data_topic_recreated(self) -> None:
        """What is in flight is of the old topic, and forgotten; the new one is read from its beginning."""
        await self._source.is_same_topic()

    def states(self) -> Sequence[ServingState]:
        """Ask the stage."""
        return self._stage.states()

    async def close(self) -> None:
        """Leave the group, end the scoring thread, close the models."""
        try:
            await self._source.close()
            await self._delivering.close()
        finally:
            self._thread.dispose()
            self._stage.close()

    async def _push(self, stream: Subject[T], element: T) -> None:
        """Push on the scoring thread: one element at a time, and the event loop stays free while a model works."""
        through: asyncio.Future[None] = self._loop.create_future()

        def action(_scheduler: SchedulerBase, _state: object = None) -> DisposableBase | None:
            error: Exception | None = None
            try:
                stream.on_next(element)
            except Exception as raised:
                error = raised
            self._loop.call_soon_threadsafe(_resolve, through, error)
            return None

        self._thread.schedule(action)
        await through

    def _on_scored(self, served: ServedBatch) -> None:
        self._loop.call_soon_threadsafe(self._scored.put_nowait, served)

    async def _send(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            served = await self._scored.get()
            tasks.create_task(self._settle(served, await self._delivering.send(served)))

    async def _settle(self, served: ServedBatch, settled: Awaitable[bool]) -> None:
        if await settled:
            self._kernel.report.batch_served(served)
        self._slots.release()
        self._scored.task_done()


def _resolve(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():  # cancelled by a stop that would not wait any longer
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
