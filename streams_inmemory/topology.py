"""Sources, wiring, sinks: a faust agent from Kafka to Kafka, at-least-once."""

import asyncio
from collections.abc import Sequence
from typing import Any

from model.serving_state import ServingState
from serving.engine import ArrivedModel, ModelStart
from serving.kernel import Kernel
from serving.streams.application import Application
from streams_inmemory.state import StateInMemory


class Topology:
    """One agent over the data topic; the models come beside it, outside the group, so that every instance has them."""

    models_from: ModelStart = "end"  # naive, on purpose: this server asks nobody what it missed

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._state = StateInMemory()
        self.application = Application(kernel, self._state.parts)

    async def start(self) -> None:
        """Nothing to restore: join the group."""
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
        """Ask the object."""
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
            served = await asyncio.to_thread(self._state.serve, batch.records())
            await (await self._kernel.sink.enqueue(served))
            batch.acknowledge()
            self._kernel.report.batch_served(served)
