"""A network that fails at the worst moment: a request arrives, its answer does not."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Self

PRODUCE = b"\x00\x00"
"""Requests begin with their API key. Source: Apache Kafka documentation, "Protocol", also for what follows."""
HOST = "127.0.0.1"
POLL_S = 0.02


class LossyProxy(socketserver.ThreadingTCPServer):
    """Stands between a client and a broker; loses one acknowledgement, with its connection, and nothing else."""

    daemon_threads = True

    def __init__(self, bootstrap_servers: str, topic: str = "") -> None:
        """Listen on a free port.

        Args:
            bootstrap_servers: one broker, which advertises itself as ``127.0.0.1``.
            topic: of the acknowledgement to lose; empty is the first topic that is written to.
        """
        super().__init__((HOST, 0), _Connection)
        self.broker = (HOST, int(bootstrap_servers.rpartition(":")[2]))
        self.bootstrap_servers = f"{HOST}:{self.server_address[1]}"
        """What the client is to connect to."""
        self.topic = topic.encode()
        self.produce_requests = 0
        """How many have come for the topic; the answer to the first is lost."""

    def as_ours(self, answer: bytes) -> bytes:
        """The broker's answer, with this proxy's address for its own: else the client would go to it directly.

        Metadata name a broker by host and port. Both hosts are one, so only the port changes, and no length.
        """
        theirs, ours = (HOST.encode() + port.to_bytes(4, "big") for port in (self.broker[1], self.server_address[1]))
        return answer.replace(theirs, ours)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    """One connection of a client, and its counterpart to the broker."""

    server: LossyProxy

    def setup(self) -> None:
        """See ``BaseRequestHandler``."""
        super().setup()
        self._lost: bytes | None = None  # the correlation id of the answer to lose

    def handle(self) -> None:
        """Pass answers on until either side ends, or until the one that is to be lost."""
        with contextlib.suppress(OSError), socket.create_connection(self.server.broker) as broker:
            threading.Thread(target=self._pass_requests, args=(broker,), daemon=True).start()
            with broker.makefile("rb") as answers:
                for answer in _frames(answers):
                    if answer[:4] == self._lost:
                        break
                    self.wfile.write(_framed(self.server.as_ours(answer)))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)  # the other thread may still be reading

    def _pass_requests(self, broker: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed by the other thread
            for request in _frames(self.rfile):
                if request.startswith(PRODUCE) and self.server.topic in request:
                    self.server.produce_requests += 1
                    if self.server.produce_requests == 1:
                        self._lost = request[4:8]
                broker.sendall(_framed(request))
            broker.shutdown(socket.SHUT_RDWR)


def _frames(stream: BufferedIOBase) -> Iterator[bytes]:
    """What comes, cut where Kafka's protocol has it: each request and answer follows its size, in 4 bytes."""
    while len(size := stream.read(4)) == 4:
        length = int.from_bytes(size, "big")
        if len(frame := stream.read(length)) < length:
            return
        yield frame


def _framed(frame: bytes) -> bytes:
    return len(frame).to_bytes(4, "big") + frame
