"""Instances of a streams server with real HTTP servers on loopback, and engines that only know what they were told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from fastapi import FastAPI

from client.broker.ports import free_port
from model.features import Features, Values
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.streams.local_state import LocalState
from serving.streams.queries import routes
from serving.web.server import HttpServer, listen
from serving.web.token import TokenRequired, bearer
from tests.support.instances import DEADLINE_S


class Zero:
    def score(self, features: Features) -> Values:
        return np.zeros(len(features))

    def close(self) -> None: ...


@dataclass
class Known:
    """An engine that knows what it was told; the instances of one test share the group."""

    url: str
    group: Mapping[str, Sequence[int]]
    held: Sequence[LocalState] = ()
    tables: Sequence[str] = ("counters",)
    is_restored: bool = True
    application_id: str = "app"
    models_topic_id: str = ""
    partitions: int = 3
    token: str | None = None

    def restored(self) -> bool:
        return self.is_restored

    def instances(self) -> Mapping[str, Sequence[int]]:
        return self.group

    def stores(self) -> Sequence[str]:
        return self.tables

    def parts(self) -> Sequence[LocalState]:
        return self.held


def part(partition: int | None, usage: int, *, model: int = 7, data_type: str = "wine", **counts: int) -> LocalState:
    """So many records at 2 ms each under this model, from the beginning of the partition."""
    state = ServingState(
        data_type,
        model=LoadedModel(f"m{model}", f"number {model}", data_type, "ONNX", Zero()),
        since_ms=1000 + (partition or 0),
        usage=usage,
        duration_ms=2.0 * usage,
        min_ms=2.0,
        max_ms=2.0,
        **counts,
    )
    return LocalState(state, model, partition, None if partition is None else usage)


def urls(number: int) -> list[str]:
    return [f"http://127.0.0.1:{free_port()}" for _ in range(number)]


@contextlib.asynccontextmanager
async def serving(*engines: Known, time_limit_s: float = DEADLINE_S) -> AsyncIterator[None]:
    """A real HTTP server for each, at its URL; they give one another this long to answer."""
    async with asyncio.timeout(2 * DEADLINE_S), asyncio.TaskGroup() as tasks:
        with contextlib.ExitStack() as sockets:
            running = []
            for engine in engines:
                app = FastAPI()
                app.include_router(routes(engine, time_limit_s))
                if engine.token is not None:
                    app.add_middleware(TokenRequired, token=engine.token)
                listening = sockets.enter_context(listen("127.0.0.1", int(engine.url.rpartition(":")[2])))
                running.append(tasks.create_task(HttpServer(app).serve_until_cancelled(listening)))
            yield
            for task in running:
                task.cancel()
            await asyncio.wait(running)


@dataclass
class Got:
    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)


async def get(url: str, path: str, token: str | None = None, **query: str) -> Got:
    async with (
        aiohttp.ClientSession(headers=bearer(token)) as session,
        session.get(url + path, params=query) as response,
    ):
        return Got(response.status, await response.json(), response.headers)


def three(**facts: Any) -> list[Known]:
    """Each with one partition: 1, 10 and 100 records scored."""
    group = {url: [number] for number, url in enumerate(urls(3))}
    return [Known(url, group, [part(of[0], 10 ** of[0])], **facts) for url, of in group.items()]
