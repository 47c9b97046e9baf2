"""Sources, wiring, sinks: a faust agent from Kafka to Kafka, at-least-once."""

from collections.abc import Collection, Sequence
from typing import Any

import faust
from fastapi import APIRouter

from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kernel import Kernel
from serving.models.loading import ModelLoading
from serving.streams import queries
from serving.streams.application import Application
from serving.streams.batches import Batch, BatchSchema
from serving.streams.faust_settings import lossless
from streams_kvstore.state import STORE, KeyValueState


class Engine:
    """One agent over the data topic; models come from the feed, outside the group, so that every instance has them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._state = KeyValueState(ModelLoading.of(kernel.settings).load_again, kernel.broker)
        self.application = Application(kernel, self._state.parts, self._state.restore)

    @property
    def models_from(self) -> ModelStart:
        """Behind the models that the table has."""
        return self._state.models_from

    async def start(self) -> None:
        """Declare the source, the table and the agent, as in any faust app; join the group and restore the table.

        What this server's disk has is there at once; what it lacks comes from the changelog.
        """
        app: Any = faust.App(store=STORE, **lossless(self._kernel, self.application.url))
        wines = app.topic(self._kernel.settings.topics.data, schema=BatchSchema())
        await self._state.open(app, self.application)
        app.agent(wines, name="score")(self._score)
        await self.application.start(app)

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Activate a model between two batches."""
        async with self.application.between_batches():
            return self._state.accept(arrived)

    async def run(self) -> None:
        """Let the agent work; after a stop its batches in flight are finished."""
        await self.application.run()

    def assigned(self) -> Collection[int] | None:
        """Ask the application."""
        return self.application.assigned() if self.application.restored() else None

    async def data_topic_recreated(self) -> None:
        """Begin again with the new topic; batches of the old one that are in flight mean nothing any more."""
        self._state.data_topic_recreated()
        await self.application.data_topic_recreated()

    def states(self) -> Sequence[ServingState]:
        """Ask the table's rows."""
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
        outcome, after = await self.application.in_thread(self._state.score_batch, batch)
        # exercise[kv-2]: write the states, send the outcome; ``finish`` says what is done when Kafka has both
        if batch.stale:
            return
        self._state.write(batch, after)
        sent = await self._kernel.sink.enqueue(outcome)

        async def finish() -> None:
            await sent
            await self._state.acknowledged()
            batch.acknowledge()
            self._kernel.report.batch_finished(outcome)

        # end[kv-2]
        await self.application.finish(finish())
