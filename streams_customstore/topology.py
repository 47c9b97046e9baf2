"""Sources, wiring, sinks: a faust agent from Kafka to Kafka, at-least-once."""

import asyncio
from collections.abc import Sequence
from typing import Any

from model.serving_state import ServingState
from serving.engine import ArrivedModel, FeedPosition, ModelStart
from serving.kernel import Kernel
from serving.model_loading import ModelLoading
from serving.streams.application import Application
from streams_customstore.state import CustomStoreState


class Topology:
    """One agent over the data topic; the models come beside it, outside the group, so that every instance has them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._state = CustomStoreState(ModelLoading.of(kernel.settings).load_again)
        self.application = Application(kernel, self._state.parts, self._state.restore)

    @property
    def models_from(self) -> ModelStart:
        """Behind the models that the table has."""
        start = self._state.models_from(self.application.assigned())
        return "beginning" if start is None else FeedPosition(self._kernel.broker.models_topic_id, start)

    async def start(self) -> None:
        """Join the group and restore the table: from the disk, and from the changelog what the disk lacks."""
        await self._state.open(self.application)
        await self.application.start(self._score)

    async def accept(self, arrived: ArrivedModel) -> None:
        """Put a model in force between two batches."""
        async with self.application.between_batches():
            self._state.accept(arrived)

    async def serve(self) -> None:
        """Let the agent work; after a stop its batch in hand is finished."""
        await self.application.serve()

    async def data_topic_recreated(self) -> None:
        """Not yet: offsets of the old topic still count."""

    def states(self) -> Sequence[ServingState]:
        """Ask the table's rows."""
        return self._state.states()

    async def close(self) -> None:
        """Leave the group, close the models."""
        try:
            await self.application.stop()
        finally:
            self._state.close()

    async def _score(self, stream: Any) -> None:
        async for batch in self.application.batches(stream):
            # In a thread: the event loop, and with it every query, would stand still while a model works.
            served, after = await asyncio.to_thread(self._state.serve, batch)
            if batch.stale:
                continue
            self._state.write(batch, after)
            await (await self._kernel.sink.enqueue(served))
            await self._state.acknowledged()
            batch.acknowledge()
            self._kernel.report.batch_served(served)
