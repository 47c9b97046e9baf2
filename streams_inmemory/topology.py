"""Sources, wiring, sinks: a faust agent from Kafka to Kafka, at-least-once."""

from collections.abc import Collection, Sequence
from typing import Any

import faust
from fastapi import APIRouter

from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kernel import Kernel
from serving.streams import queries
from serving.streams.application import Application
from serving.streams.batches import Batch, BatchSchema
from serving.streams.faust_settings import lossless
from streams_inmemory.state import StateInMemory


class Engine:
    """One agent over the data topic; models come from the feed, outside the group, so that every instance has them."""

    models_from: ModelStart = "end"  # naive, on purpose: this server asks nobody what it missed

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._state = StateInMemory()
        self.application = Application(kernel, self._state.parts)

    async def start(self) -> None:
        """Nothing to restore: declare the source and its agent, as in any faust app, and join the group."""
        app: Any = faust.App(**lossless(self._kernel, self.application.url))
        wines = app.topic(self._kernel.settings.topics.data, schema=BatchSchema())
        app.agent(wines, name="score")(self._score)
        await self.application.start(app)

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Activate a model between two batches."""
        async with self.application.between_batches():
            self._state.accept_arrived(arrived)
        return True

    async def run(self) -> None:
        """Let the agent work; after a stop its batches in flight are finished."""
        await self.application.run()

    def assigned(self) -> Collection[int] | None:
        """Ask the application."""
        return self.application.assigned() if self.application.restored() else None

    async def data_topic_recreated(self) -> None:
        """Begin again with the new topic; batches of the old one that are in flight mean nothing any more."""
        await self.application.data_topic_recreated()

    def states(self) -> Sequence[ServingState]:
        """Ask the object."""
        return self._state.states()

    def routes(self) -> APIRouter:
        """The paths that answer for the whole application."""
        return queries.routes(self.application)

    async def close(self) -> None:
        """Leave the group, close the models."""
        try:
            await self.application.stop()
        finally:
            self._state.close()

    async def _score(self, stream: faust.Stream[Batch]) -> None:
        async for batch in stream.noack():  # each is what one fetch brought of one partition
            async with self.application.scoring(batch) as ours:
                if ours:
                    await self._score_batch(batch)

    async def _score_batch(self, batch: Batch) -> None:
        # exercise[im-1]: score the batch and send its outcome; ``finish`` says what is done when Kafka has it
        outcome = await self.application.in_thread(self._state.score_batch, batch.records)
        if batch.stale:
            return
        sent = await self._kernel.sink.enqueue(outcome)

        async def finish() -> None:
            await sent
            batch.acknowledge()
            self._kernel.report.batch_finished(outcome)

        # end[im-1]
        await self.application.finish(finish())
