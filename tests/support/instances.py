"""Instances of a streams server that say what a test wants, over real connections on loopback."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from model.serving_state import ServingState
from serving.streams.instances import LocalAnswer, NoAnswer, ask
from serving.streams.local_state import LocalState, Part

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE_S = 20.0  # for what happens at once, on a machine with much else to do
OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PART = Part.of(LocalState(ServingState("wine"), None, 0, 0)).model_dump()
TRUE: dict[str, Any] = {"application_id": "app", "partitions": [0], "stores": ["counters"], "parts": [PART]}


@contextlib.asynccontextmanager
async def instance(handler: Handler) -> AsyncIterator[str]:
    """A server on a port of its own; its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(answer: bytes) -> Handler:
    """An instance that says this, word for word, after it has read the request."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return handler


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """An instance that never says anything."""
    await reader.read(-1)  # until the other side hangs up


def with_body(body: bytes, headers: str = "") -> bytes:
    return f"{OK}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def like_true(**facts: object) -> bytes:
    return with_body(json.dumps({**TRUE, **facts}).encode())


async def asked(*handlers: Handler, time_limit_s: float = DEADLINE_S) -> list[LocalAnswer | NoAnswer]:
    """The answers of instances that handle their connections so."""
    async with asyncio.timeout(DEADLINE_S), contextlib.AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(instance(handler)) for handler in handlers]
        answers = await ask(urls, "app", "wine", time_limit_s)
        assert list(answers) == urls
        return list(answers.values())


def reason(answer: LocalAnswer | NoAnswer) -> str:
    assert isinstance(answer, NoAnswer)
    return answer.reason
