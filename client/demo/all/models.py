"""The models topic as the demo's audience sees it: emptied on request, and when the next model is due."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from client.demo.circumstances import ModelTopic, Offsets
from client.demo.errors import ModelTopicUnusable

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Models:
    """What is known of the topic at one moment."""

    empty: bool  # no server that starts now learns a model from it
    next_in_s: float | None  # the provider's interval after the newest model; None before the first


class ModelPace:
    """When the newest model came, by the topic's offsets."""

    def __init__(self, interval_s: float) -> None:
        """The provider publishes a model each ``interval_s``."""
        self._interval_s = interval_s
        self._offsets = Offsets(0, 0)
        self._newest_s: float | None = None

    def observed(self, offsets: Offsets, now_s: float) -> None:
        """The topic begins and ends there now."""
        if offsets.end > self._offsets.end:
            self._newest_s = now_s
        self._offsets = offsets

    def models(self, now_s: float) -> Models:
        """What to show now."""
        next_in_s = None if self._newest_s is None else max(0.0, self._newest_s + self._interval_s - now_s)
        return Models(self._offsets.first == self._offsets.end, next_in_s)


class WatchedModels:
    """The topic of a running demo. One event loop calls it all."""

    def __init__(self, topic: ModelTopic, interval_s: float) -> None:
        """Ask nothing before ``watch``."""
        self._topic = topic
        self._pace = ModelPace(interval_s)
        self._emptying = asyncio.Lock()

    def models(self) -> Models:
        """What to show now."""
        return self._pace.models(time.monotonic())

    async def empty(self) -> None:
        """Delete all models; a second call waits for the first.

        Raises:
            ModelTopicUnusable: the broker refuses, or does not answer.
        """
        async with self._emptying:
            await asyncio.to_thread(self._topic.empty)
            await self._observe()

    async def watch(self) -> None:
        """Ask the broker at intervals, until cancelled."""
        while True:
            with contextlib.suppress(ModelTopicUnusable):  # without Kafka the provider ends, and the demo with it
                await self._observe()
            await asyncio.sleep(POLL_S)

    async def _observe(self) -> None:
        offsets = await asyncio.to_thread(self._topic.offsets)
        self._pace.observed(offsets, time.monotonic())
