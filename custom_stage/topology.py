"""Sources, wiring, sinks: Kafka to reactivex and back, in the delivery mode that the settings name."""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from fastapi import APIRouter
from reactivex import Subject
from reactivex.abc import DisposableBase, SchedulerBase
from reactivex.scheduler import EventLoopScheduler

from custom_stage.delivery.modes import make_delivery
from custom_stage.delivery.source import Source
from custom_stage.overflow.policies import make_overflow
from custom_stage.settings import StageSettings
from custom_stage.state import Records, ServingStage, routes
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kernel import Kernel
from serving.scoring.outcomes import BatchOutcome

T = TypeVar("T")


class Engine:
    """Where demand comes from when a library only pushes.

    A reactivex subscriber cannot ask for less: it gets all that is pushed. So the asking is done where the records
    come in. The fetch loop takes a slot before each batch, and the sink gives it back when everything that became of
    that batch is acknowledged: ``max_in_flight`` batches, never more, whichever of the two is the slower.
    """

    models_from: ModelStart = "beginning"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        settings = kernel.settings
        assert isinstance(settings, StageSettings)
        self._source = Source(settings, kernel.group, kernel.broker)
        self._overflow = make_overflow(kernel, settings, self._source)
        self._delivery = make_delivery(kernel, settings, self._source)
        self._slots = asyncio.Semaphore(settings.batches_in_flight)
        self._scored: asyncio.Queue[BatchOutcome] = asyncio.Queue()  # holds at most ``max_in_flight``
        self._loop = asyncio.get_running_loop()
        self._thread = EventLoopScheduler()
        self._stage = ServingStage()
        self._data: Subject[Records] = Subject()
        self._models: Subject[LoadedModel] = Subject()
        self._data.pipe(self._stage.joined_with(self._models)).subscribe(self._on_scored)

    async def start(self) -> None:
        """Nothing to restore: the model topic is the memory."""
        await self._delivery.start()

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Push a model; it is active when this returns."""
        await self._push(self._models, arrived.loaded)
        return True

    async def run(self) -> None:
        """Fetch, score, send, commit; after a stop the batches in flight are finished."""
        await self._source.start()
        async with asyncio.TaskGroup() as tasks:
            concurrent = [
                tasks.create_task(self._source.commit_acknowledged()),
                tasks.create_task(self._overflow.run()),
                tasks.create_task(self._send(tasks)),
            ]
            # exercise[cs-1]: until the stop, fetch a batch when a slot is free, and push it; it keeps its slot
            while not self._kernel.stop.is_set():
                await self._slots.acquire()
                records = await self._fetch()
                if records and await self._delivery.begin(records):
                    await self._push(self._data, records)
                else:
                    self._slots.release()
            # end[cs-1]
            await self._scored.join()
            for task in concurrent:
                task.cancel()

    def assigned(self) -> Collection[int] | None:
        """Ask the consumer."""
        return self._source.assigned()

    async def data_topic_recreated(self) -> None:
        """What is in flight is of the old topic, and forgotten; the new one is read from its beginning."""
        await self._source.is_same_topic()

    def states(self) -> Sequence[ServingState]:
        """Ask the stage."""
        return self._stage.states()

    def routes(self) -> APIRouter:
        """The paths that answer for the operator's state."""
        return routes(self.states)

    async def close(self) -> None:
        """Leave the group, end the scoring thread, close the models."""
        try:
            await self._source.close()
            await self._delivery.close()
        finally:
            self._thread.dispose()
            self._stage.close()

    async def _fetch(self) -> Records:
        """The next batch, in flight from now on; none after 0.2 s, so that the caller can look for a stop."""
        records = await self._overflow.next()
        self._kernel.report.metrics.lag.set(self._source.lag())
        return records

    async def _push(self, stream: Subject[T], element: T) -> None:
        """Push on the scoring thread: one element at a time, and the event loop stays free while a model works."""
        through: asyncio.Future[None] = self._loop.create_future()

        def action(_scheduler: SchedulerBase, _state: object = None) -> DisposableBase | None:
            error: Exception | None = None
            try:
                stream.on_next(element)
            except Exception as raised:  # noqa: BLE001 - handed to the caller
                error = raised
            self._loop.call_soon_threadsafe(_resolve, through, error)
            return None

        self._thread.schedule(action)
        await through

    def _on_scored(self, outcome: BatchOutcome) -> None:
        self._loop.call_soon_threadsafe(self._scored.put_nowait, outcome)

    async def _send(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            outcome = await self._scored.get()
            tasks.create_task(self._finish(outcome, await self._delivery.send(outcome)))

    async def _finish(self, outcome: BatchOutcome, acknowledged: Awaitable[bool]) -> None:
        if await acknowledged:
            self._kernel.report.batch_finished(outcome)
        self._slots.release()
        self._scored.task_done()


def _resolve(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():  # cancelled by a stop that would not wait any longer
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
