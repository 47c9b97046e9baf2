"""What graders play a faust agent's surroundings with: channels in place of topics; streams and events are real."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, cast
from weakref import WeakSet

import faust
from faust import Channel
from faust.types import Message

TURNS = 200
"""Of the event loop: faust takes some ten for each record."""


class Forwarded(NamedTuple):
    """What came to a branch."""

    key: Any
    value: Any
    headers: Mapping[str, bytes]


class NoConsumer:
    """In the place of one that reads from Kafka, as far as streams ask it."""

    def __init__(self) -> None:
        self.unacked = self._unacked_messages = WeakSet[Message]()

    def ack(self, message: Any) -> bool:
        """Called by faust when a record is acknowledged."""
        message.acked = True
        return True


class PlayedBranch(Channel[Any]):
    """A topic to send to; the broker acknowledges at once, or when it is told to, or refuses."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.records: list[Forwarded] = []
        self.answers_at_once = True
        self._answers: list[asyncio.Future[Any]] = []

    async def publish_message(self, fut: Any, wait: bool = True) -> Awaitable[Any]:  # noqa: ARG002
        """Called by faust to send a message."""
        message = fut.message
        self.records.append(Forwarded(message.key, message.value, dict(message.headers or {})))
        self._answers.append(asyncio.get_running_loop().create_future())
        if self.answers_at_once:
            self._answers[-1].set_result(None)
        return self._answers[-1]

    def acknowledge(self, number: int) -> None:
        """The broker has the message with this number."""
        self._answers[number].set_result(None)

    def refuse(self, number: int, error: Exception) -> None:
        """The broker will never take the message with this number."""
        self._answers[number].set_exception(error)

    @property
    def values(self) -> list[Any]:
        """Of the records that came."""
        return [each.value for each in self.records]


class PlayedAgents:
    """An application that is never started, and the stream that an agent reads; ``asyncio`` must be running."""

    def __init__(self) -> None:
        raw: Any = {"key_serializer": "raw", "value_serializer": "raw"}
        self.app: Any = faust.App("agents", broker="kafka://127.0.0.1:1", web_enabled=False, **raw)
        self.app.consumer = cast(Any, NoConsumer())
        self.app.flow_control.resume()
        self._source = self.app.channel()
        self._stream = self.app.stream(self._source)
        self._agent: asyncio.Task[None] | None = None

    def branch(self) -> PlayedBranch:
        """A topic to send to."""
        return PlayedBranch(self.app)

    def start(self, agent: Callable[[Any], Awaitable[None]]) -> None:
        """Let an agent read the stream."""
        self._agent = asyncio.ensure_future(agent(self._stream))

    async def comes(self, key: bytes | None, value: bytes, **headers: bytes) -> None:
        """A record comes, and all happens that can; what the agent raises is raised here."""
        await self._source.send(key=key, value=value, headers=headers)
        await self.turns()

    async def turns(self) -> None:
        """Let all happen that can; what the agent raises is raised here."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if self._agent is not None and self._agent.done():
            self._agent.result()

    async def close(self) -> None:
        """End the agent."""
        if self._agent is not None:
            self._agent.cancel()
            await asyncio.wait([self._agent])
        await self._stream.stop()


def on_stream(play: Callable[[PlayedAgents], Awaitable[None]]) -> None:
    """Play once, on a stream of its own."""

    async def playing() -> None:
        agents = PlayedAgents()
        try:
            await play(agents)
        finally:
            await agents.close()

    asyncio.run(playing())
