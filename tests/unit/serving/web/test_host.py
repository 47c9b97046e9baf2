"""Which names a server answers to: a page from elsewhere must not read it through a browser on this machine."""

import asyncio

import pytest
from fastapi import FastAPI

from serving.web.host import OwnNamesOnly


async def asked(path: str, host: str | None) -> int:
    """The status of an answer to a request for this host."""
    app = FastAPI()
    app.get("/live")(lambda: "live")
    app.get("/healthz")(lambda: "well")
    checked = OwnNamesOnly(app, also=["127.0.0.2", "fd00::1", "Serving.Example"], except_path="/healthz")
    started: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if "status" in message:
            started.append(int(str(message["status"])))

    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b"", "root_path": ""}
    await checked(scope, receive, send)  # type: ignore[arg-type]  # plain dictionaries, as a server passes them
    return started[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST:5500",
        "127.0.0.1:5500",
        "[::1]:5500",
        "127.0.0.2",
        "[fd00::1]",
        "serving.example",
    ],
)
def test_its_own_names_are_answered(host: str) -> None:
    assert asyncio.run(asked("/live", host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5500",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.3",
        "",
        "a b",
        None,
        "127.0.0.1@evil.example",
        "evil.example/127.0.0.1",
        "\xff",
        "[::2]",
        "127.0.0.1, evil.example",
    ],
)
def test_no_other_name_is_answered_but_for_the_health(host: str | None) -> None:
    assert asyncio.run(asked("/live", host)) == 400
    assert asyncio.run(asked("/healthz", host)) == 200
