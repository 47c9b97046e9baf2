"""Strangers on the HTTP interface: slow, silent, many, or not speaking HTTP at all."""

import asyncio
import contextlib
import logging
import resource
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.web import server as http_server
from serving.web.server import HttpServer, listen
from tests.support.instances import DEADLINE_S

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ONCE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LIMIT = 20  # connections
PIECE = bytes(1024 * 1024)
BIG = 32 * len(PIECE)  # more than the sockets' buffers hold

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[..., Coroutine[Any, Any, Client]]


class Big(Response):
    """Piece by piece, each when the one before is on its way."""

    def __init__(self, over: asyncio.Event) -> None:
        super().__init__(media_type="application/octet-stream")
        self._over = over

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(BIG // len(PIECE)):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body"})
        self._over.set()


@contextlib.asynccontextmanager
async def serving(over: asyncio.Event | None = None) -> AsyncIterator[Connect]:
    """A server with a few paths; what connects to it. ``over`` is set when nothing more of a big answer is sent."""
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> str:
        return "here"

    @app.get("/big")
    async def big() -> Response:
        return Big(over or asyncio.Event())

    @app.post("/body")
    async def body(text: dict[str, str]) -> int:
        return len(text)

    async with asyncio.timeout(2 * DEADLINE_S), contextlib.AsyncExitStack() as clients:
        with listen("127.0.0.1", 0) as listening:
            port = listening.getsockname()[1]
            running = asyncio.create_task(HttpServer(app).serve_until_cancelled(listening))

            async def connect(from_host: str = "127.0.0.1") -> Client:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(from_host, 0))
                clients.callback(writer.close)
                return reader, writer

            yield connect
            running.cancel()
            await asyncio.wait([running])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(http_server, "EXCHANGE_TIMEOUT_S", 0.5)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What the server has said when it hangs up."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := await reader.read(65536):
            said += chunk
    return said


async def answered(connect: Connect, request: bytes = ONCE) -> bytes:
    reader, writer = await connect()
    writer.write(request)
    return await until_closed(reader)


@pytest.mark.usefixtures("quick")
def test_a_connection_that_says_nothing_is_closed() -> None:
    async def run() -> None:
        async with serving() as connect:
            reader, _ = await connect()
            assert await until_closed(reader) == b""

    asyncio.run(run())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("after", [b"", GET], ids=["the first head", "the next head"])
def test_a_byte_now_and_then_is_no_sign_of_life(after: bytes) -> None:
    async def run() -> None:
        async with serving() as connect:
            reader, writer = await connect()
            writer.write(after + b"GET / HTTP/1.1\r\n")

            async def drip() -> None:
                while not writer.is_closing():
                    writer.write(b"X: y\r\n")
                    await asyncio.sleep(0.02)  # the pace of the drip, much faster than the limit

            dripping = asyncio.create_task(drip())
            said = await until_closed(reader)
            dripping.cancel()
        assert said.count(b"200 OK") == (1 if after else 0)
        assert b"408 Request Timeout" in said
        assert said.endswith(b"This request took too long to arrive.")

    asyncio.run(run())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["answered before its body", "answered after its body"],
)
def test_a_body_that_never_comes_ends_the_connection(head: bytes) -> None:
    async def run() -> None:
        async with serving() as connect:
            assert await answered(connect, head)

    asyncio.run(run())


@pytest.mark.usefixtures("quick")
def test_an_answer_that_is_not_read_ends_the_connection() -> None:
    async def run() -> None:
        over = asyncio.Event()
        async with serving(over) as connect:
            reader, writer = await connect()
            writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            await over.wait()
            assert 0 < len(await until_closed(reader)) < BIG

    asyncio.run(run())


@pytest.mark.parametrize("sent", [b"", b"GET /hea", GET], ids=["silent", "half a head", "kept alive"])
def test_many_connections_make_room_for_who_asks(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", LIMIT)
    monkeypatch.setattr(http_server, "HEAD_TIMEOUT_S", 10 * DEADLINE_S)  # not what makes room here

    async def run() -> None:
        async with serving() as connect:
            clients = []
            for _ in range(LIMIT + 20):
                clients.append(await connect())
                clients[-1][1].write(sent)
            assert b"here" in await answered(connect)
            gone = [reader for reader, _ in clients[:21]]
            assert b"408" not in b"".join(await asyncio.gather(*map(until_closed, gone)))
            reader, writer = clients[-1]
            writer.write(GET if sent == GET else GET.removeprefix(sent))
            assert b"here" in await reader.readuntil(b'"here"')

    asyncio.run(run())


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(256, 64), (1024, 128), (20_000, 128), (resource.RLIM_INFINITY, 128)]
)
def test_at_most_a_quarter_of_the_descriptors_are_connections(
    descriptors: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    assert http_server.max_connections() == connections


def test_who_opens_many_connections_closes_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 10)

    async def run() -> None:
        async with serving() as connect:
            first, writer = await connect("127.0.0.9")
            crowd = [await connect() for _ in range(30)]
            await asyncio.gather(*(until_closed(reader) for reader, _ in crowd[:21]))
            writer.write(ONCE)
            assert b"here" in await until_closed(first)

    asyncio.run(run())


BODY = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
HOSTILE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n",
    "a huge head": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_000_000,
    "a large head at once": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    "a long query at once": b"GET /healthz?" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a huge path": b"GET /" + b"x" * 1_000_000,
    "a negative length": BODY + b"Content-Length: -1\r\n\r\n",
    "a length that is none": BODY + b"Content-Length: 1e9\r\n\r\n",
    "two lengths": BODY + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a huge length": BODY + b"Content-Length: " + b"9" * 50 + b"\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a line break in a name": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\n: y\r\n\r\n",
    "a NUL": b"GET /heal\x00thz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a byte that is no text": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a bad chunk": BODY + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a bad chunk after the answer": b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "another coding": BODY + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "garbage behind a request": GET + b"\x00garbage\r\n\r\n",
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("request_bytes", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_request_gets_one_line_and_the_log_none(
    request_bytes: bytes,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        async with serving() as connect:
            said = await answered(connect, request_bytes)
            last = said.rpartition(b"HTTP/1.1 ")[2]
            assert last.startswith((b"400", b"408", b"422"))
            assert len(last.partition(b"\r\n\r\n")[2].splitlines()) <= 1
            monkeypatch.setattr(http_server, "EXCHANGE_TIMEOUT_S", DEADLINE_S)
            assert b"here" in await answered(connect), "the next one is answered"

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


WEIRD = {
    "another version": b"GET / HTTP/9.9\r\nHost: a\r\n",
    "absolute": b"GET http://evil.example/healthz HTTP/1.1\r\nHost: a\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n",
    "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n",
    "trace": b"TRACE /healthz HTTP/1.1\r\nHost: a\r\n",
    "an unknown method": b"BREW /healthz HTTP/1.1\r\nHost: a\r\n",
    "encoded garbage": b"GET /%00%ff%ed%a0%80%2e%2e%2f HTTP/1.1\r\nHost: a\r\n",
    "half an encoding": b"GET /% HTTP/1.1\r\nHost: a\r\n",
    "climbing": b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n",
    "slashes": b"GET //////// HTTP/1.1\r\nHost: a\r\n",
    "an upgrade": b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
    "an expectation": b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n",
    "a long query": b"GET /x?" + b"a=%ff&" * 2_000 + b" HTTP/1.1\r\nHost: a\r\n",
}


@pytest.mark.parametrize("head", WEIRD.values(), ids=WEIRD)
def test_a_weird_request_is_refused_in_one_line(head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with serving() as connect:
            said = await answered(connect, head + b"Connection: close\r\n\r\n")
            assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405"))
            assert len(said.partition(b"\r\n\r\n")[2].splitlines()) <= 1

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.records == []


def test_pipelined_requests_are_answered_one_after_the_other() -> None:
    async def run() -> None:
        async with serving() as connect:
            assert (await answered(connect, GET * 50 + ONCE)).count(b"200 OK") == 51

    asyncio.run(run())


@pytest.mark.usefixtures("quick")
def test_endless_requests_whose_answers_nobody_reads_end() -> None:
    async def run() -> None:
        async with serving() as connect:
            reader, writer = await connect()

            async def ask() -> None:
                while not writer.is_closing():
                    writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
                    await writer.drain()

            asking = asyncio.create_task(ask())
            await asyncio.wait([asking])
            assert isinstance(asking.exception(), ConnectionError)
            await until_closed(reader)

    asyncio.run(run())
