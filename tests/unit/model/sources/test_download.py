"""Models over HTTP, from a real server that does not always behave."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from model.sources.download import download

CONTENT = b"a model" * 1000
ENOUGH_S = 20.0


class _Host(BaseHTTPRequestHandler):
    """Each path is a way to answer."""

    asked: list[tuple[str, str | None]]
    ended: threading.Event

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append((self.path, self.headers.get("Authorization")))
        path = self.path.partition("?")[0]
        if path == "/redirect":
            self._head(302, Location="/model")
        elif path == "/model":
            self._head(200, **{"Content-Length": str(len(CONTENT))})
            self.wfile.write(CONTENT)
        elif path == "/endless":  # and no Content-Length
            self._head(200)
            while not self.ended.is_set():
                self.wfile.write(CONTENT)
        elif path == "/no-text":
            self.wfile.write(b"HTTP/1.1 404 N\xf6 \xff\r\nX: \xff\r\nContent-Length: 0\r\n\r\n")
        elif path == "/no-answer":
            self.wfile.write(bytes(range(128, 256)) * 100)
        elif path == "/no-names":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\xff: \xff\r\n\r\n")
        elif path == "/lying":
            self._head(200, **{"Content-Length": str(2**50)})
            self.wfile.write(CONTENT)
        elif path == "/slow":
            self._head(200)
            while not self.ended.wait(0.05):
                self.wfile.write(b"a")
        else:
            self._head(404)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        """The client may be gone."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Host:
    """A server on loopback, and what it was asked for."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.name = f"127.0.0.1:{server.server_port}"
        self.asked: list[tuple[str, str | None]] = []


@pytest.fixture
def host() -> Iterator[Host]:
    ended = threading.Event()
    handler = type("Handler", (_Host,), {"ended": ended})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        host = Host(server)
        handler.asked = host.asked  # type: ignore[attr-defined]  # of the class made above
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield host
        ended.set()
        server.shutdown()


def refused(host: Host, path: str, *, max_bytes: int = len(CONTENT), timeout_s: float = ENOUGH_S) -> str:
    with pytest.raises(ValueError, match=r"^\S.*\S$") as caught:
        download(f"http://{host.name}{path}", {host.name}, max_bytes, timeout_s)
    return str(caught.value)


def test_what_a_host_answers_is_the_content(host: Host) -> None:
    assert download(f"http://{host.name}/model?version=3", {host.name}, len(CONTENT), ENOUGH_S) == CONTENT
    assert host.asked == [("/model?version=3", None)]


def test_the_size_is_counted_whatever_the_host_says_of_it(host: Host) -> None:
    assert (
        refused(host, "/model", max_bytes=len(CONTENT) - 1)
        == "has more than 6,999 bytes; make it smaller, or raise --max-model-bytes"
    )
    assert (
        refused(host, "/endless", max_bytes=10**6)
        == "has more than 1,000,000 bytes; make it smaller, or raise --max-model-bytes"
    )


def test_a_content_that_breaks_off_is_refused(host: Host) -> None:
    assert refused(host, "/lying") == "cannot be had from 127.0.0.1: ClientPayloadError"


def test_an_answer_that_is_no_text_is_a_reason_with_escapes(host: Host) -> None:
    assert refused(host, "/no-text") == f"is not at http://{host.name}/no-text: the answer is 404 N\\xf6 \\xff"
    assert refused(host, "/no-answer") == "cannot be had from 127.0.0.1: ClientResponseError"
    assert refused(host, "/no-names") == "cannot be had from 127.0.0.1: ClientResponseError"


def test_no_redirect_is_followed(host: Host) -> None:
    assert (
        refused(host, "/redirect?token=secret") == f"is not at http://{host.name}/redirect...: the answer is 302 Found"
    )
    assert [path for path, _ in host.asked] == ["/redirect?token=secret"]
    assert refused(host, "/gone").endswith("the answer is 404 Not Found")


def test_a_host_that_is_slow_byte_by_byte_has_no_more_time_for_it(host: Host) -> None:
    started_s = time.monotonic()
    assert refused(host, "/slow", timeout_s=0.5) == "did not come from 127.0.0.1 within 0.5 s"
    assert time.monotonic() - started_s < ENOUGH_S


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("http://127.0.0.1/m", "127.0.0.1"),
        ("http://models.example/m", "models.example"),  # only its port 8000 is allowed
        ("http://models.example:8001/m", "models.example:8001"),
        ("http://allowed.example:22/m", "allowed.example:22"),
        ("http://sub.allowed.example/m", "sub.allowed.example"),
        ("http://allowed.example.evil/m", "allowed.example.evil"),
        ("http://allowed.example./m", "allowed.example."),
        ("https://[::1]/m", "[::1]"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
    ],
)
def test_only_named_hosts_are_asked(location: str, host: str) -> None:
    with pytest.raises(ValueError, match="which this server may not ask") as caught:
        download(location, {"allowed.example", "models.example:8000"}, 1, ENOUGH_S)
    assert str(caught.value) == f"is on {host!r}, which this server may not ask; start it with --model-hosts {host}"


@pytest.mark.parametrize(
    "location",
    ["http://me:secret@allowed.example/m", "http://secret@allowed.example/m", "http://:secret@allowed.example"],
)
def test_a_url_with_a_password_is_refused_without_showing_it(location: str) -> None:
    with pytest.raises(ValueError, match="with a user name or a password") as caught:
        download(location, {"allowed.example"}, 1, ENOUGH_S)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "location", ["http://allowed.example\\@evil/m", "http://h:99999/m", "http://[::1/m", "http:///m", "http:m"]
)
def test_what_is_no_url_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="is at a location that is no URL of a host"):
        download(location, {"allowed.example"}, 1, ENOUGH_S)


def test_a_host_that_is_not_there_is_said(host: Host) -> None:
    with pytest.raises(ValueError, match=r"cannot be had from localhost: "):
        download("http://localhost:1/m?token=secret", {"localhost:1"}, 1, ENOUGH_S)
