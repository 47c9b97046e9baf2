"""uvicorn inside our own event loop, in front of strangers: the one module that overrides its private methods.

uvicorn by itself waits without end for a request's head, counts a byte every few seconds as a sign of life, and
accepts connections until the process has no descriptor left, and with it no connection to Kafka.
"""

import asyncio
import contextlib
import logging
import os
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import PortInUse

BACKLOG = 128
ACCEPTED_AT_ONCE = 8  # in one turn of the event loop, before the limit is looked at
MAX_CONNECTIONS = 128
DESCRIPTORS_SHARE = 4  # of the descriptors this process may have, HTTP gets at most one in four
MAX_HEAD_BYTES = 16 * 1024  # up to twice that: it is checked each time this many have come
HEAD_TIMEOUT_S = 5
"""From the connection's begin, or the last answer, to the end of the next request's head; whole seconds."""
EXCHANGE_TIMEOUT_S = 20.0
"""From the end of a request's head until its answer is written, the request's body included."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything else is started.

    Raises:
        PortInUse: something else has the port, or the address is not ours.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = str(error)
        if isinstance(error, OSError) and error.errno and error.errno > 0:
            reason = os.strerror(error.errno)
        raise PortInUse(host, port, reason) from None


class HttpServer(uvicorn.Server):
    """uvicorn inside our own event loop: the signals are the lifecycle's, not its."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=ACCEPTED_AT_ONCE,
                timeout_keep_alive=HEAD_TIMEOUT_S,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            )
        )
        # It logs a line for each malformed request, and a traceback for what the application has logged already.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does; its ``backlog`` is asyncio's, too: connections accepted before anything else is done."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)

    async def serve_until_cancelled(self, listening: socket.socket) -> None:
        """Answer requests; when cancelled, end those in progress and return."""
        serving = asyncio.create_task(self.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        finally:
            self.should_exit = self.force_exit = True
            await serving


class _Connection(H11Protocol):
    """A connection with a deadline; the one that waits longest for its client makes room for a new one."""

    _deadline: asyncio.TimerHandle | None = None
    _host = ""
    _waiting_since_s = 0.0
    _last_cycle: object = None
    _aborted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it, too
        self._host = self.client[0] if self.client else ""
        self._expect_within(HEAD_TIMEOUT_S)
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # h11 looks at a head's size only while the head is incomplete: without slices one of 256 KB would pass.
        for begin in range(0, len(data), MAX_HEAD_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[begin : begin + MAX_HEAD_BYTES])

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not self._last_cycle:
            self._last_cycle = self.cycle
            self._expect_within(EXCHANGE_TIMEOUT_S)

    def on_response_complete(self) -> None:
        self._expect_within(HEAD_TIMEOUT_S)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            if self.cycle is not None:
                self.cycle.disconnected = True  # its answer would come behind ours
            self._refuse("400 Bad Request", msg)
            self.transport.close()
        else:  # half of another answer has been sent already
            self._abort()

    @property
    def _waits_for_client(self) -> bool:
        """Whether it is the client's turn: to send a head or a body, or to read what it was sent."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    def _expect_within(self, timeout_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._waiting_since_s = self.loop.time()
        self._deadline = self.loop.call_later(timeout_s, self._give_up)

    def _give_up(self) -> None:
        cycle = self.cycle
        is_answered = cycle is None or cycle.response_complete
        has_begun = bool(self.conn.trailing_data[0]) if is_answered else not cycle.response_started
        if has_begun and not self.transport.is_closing():
            self._refuse("408 Request Timeout", "This request took too long to arrive.")
        self._abort()

    def _refuse(self, status: str, reason: str) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(reason)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n{reason}".encode())

    def _abort(self) -> None:
        # Not ``close``, which would wait until the client has read everything.
        self._aborted = True
        self.transport.abort()

    def _make_room(self) -> None:
        open_now: list[Any] = [each for each in self.connections if not getattr(each, "_aborted", False)]
        if len(open_now) <= max_connections():
            return
        per_host = Counter(each._host for each in open_now)
        waiting = [each for each in open_now if each is not self and each._waits_for_client]
        # The oldest of the host with the most: who opens many connections closes their own.
        longest = min(waiting, key=lambda each: (-per_host[each._host], each._waiting_since_s), default=self)
        longest._abort()


def max_connections() -> int:
    """How many connections HTTP may hold: the others of this process's descriptors are for Kafka and for files."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, descriptors // DESCRIPTORS_SHARE)
