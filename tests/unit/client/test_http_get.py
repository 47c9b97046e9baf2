"""One request to a server on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from client.broker.plan import HOST
from client.broker.ports import free_port
from client.http_get import http_get


class Handler(BaseHTTPRequestHandler):
    """Has one page."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/here" else 404)
        self.end_headers()
        self.wfile.write(b"content")

    def log_message(self, *_: object) -> None:
        """Nothing to standard error."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that has /here and nothing else."""
    with HTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_page_is_its_content_and_all_else_is_none(port: int) -> None:
    assert http_get(HOST, port, "/here") == b"content"
    assert http_get(HOST, port, "/elsewhere") is None
    assert http_get(HOST, free_port(), "/here") is None


def test_no_proxy_is_asked(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://{HOST}:{free_port()}")
    assert http_get(HOST, port, "/here") == b"content"
