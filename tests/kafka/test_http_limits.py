"""A server with few descriptors, and strangers who hold on to its HTTP interface: it goes on serving."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from serving.settings.topics import Topics
from serving.web.server import HEAD_TIMEOUT_S
from tests.contract.conftest import put_in_force
from tests.support.process import eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream

DESCRIPTORS = 256
LIMITED = f"""
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SENT = {"silent": b"", "half a head": b"GET /live HTTP/1.1\r\nX: y\r\n", "kept alive": WHOLE}
STRANGERS = 300
DRIPS_S = HEAD_TIMEOUT_S + 3


@pytest.mark.parametrize(  # the same web server
    "variant", ["custom_stage", pytest.param("streams_kvstore", marks=pytest.mark.thorough)]
)
def test_300_connections_of_each_kind_leave_a_server_its_descriptors(
    variant: str, broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    words = (variant, stream.bootstrap_servers, stream.prefix, tmp_path / "log")
    with ServerProcess(*words, program=LIMITED) as server, ExitStack() as connections:
        put_in_force(server.wait_until_ready(), stream, 1.0)
        for kind, sent in SENT.items():
            for _ in range(STRANGERS):
                stranger = connections.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                stranger.sendall(sent)
            assert server.get("/healthz")[0] == 200, kind
            ids = [f"{kind} {number}" for number in range(30)]
            stream.publish_wines(ids)
            stream.scores_of(ids)
        drips(server)
        assert server.get("/healthz")[0] == 200
        assert server.stop() == 0
        meanwhile = server.said
    assert "Broker lost" not in meanwhile
    assert "Traceback" not in meanwhile


def drips(server: ServerProcess) -> None:
    """A stranger who sends a byte now and then is cut off, and so are all who say nothing."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.1) as stranger:
        begun_s = time.monotonic()

        def is_cut_off() -> bool:
            try:
                stranger.sendall(b"G")
                return not stranger.recv(1000).startswith(b"HTTP/1.1 2")
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        eventually(is_cut_off, "a stranger was cut off", DRIPS_S)
        assert time.monotonic() - begun_s > HEAD_TIMEOUT_S / 2, "a client on a slow line has its time"
