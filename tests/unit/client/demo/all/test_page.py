"""Requests to the page of all servers are hostile until proven otherwise: what is not the page's own kills nothing."""

import asyncio
import json
from typing import Any, get_args

import pytest

from client.demo.all.columns import Column
from client.demo.all.models import Models
from client.demo.all.page import application
from client.demo.circumstances import Circumstance
from client.demo.errors import ModelTopicUnusable

OWN = {"host": "127.0.0.1:5500", "x-demo": "kill"}
CIRCUMSTANCES = get_args(Circumstance)


class Recorded:
    """Stands where a server and its models topic do; remembers its kills."""

    name = "custom_stage"

    def __init__(self, fails: bool = False) -> None:
        self.kills: list[str] = []
        self._fails = fails

    def column(self) -> Column:
        return Column(1, self.name, "http://127.0.0.1:5501/")

    def models(self) -> Models:
        return Models(empty=True, next_in_s=12.0)

    async def kill_and_start(self, circumstance: Circumstance) -> bool:
        self.kills.append(circumstance)
        if self._fails:
            raise ModelTopicUnusable("models_models", "no leader")
        return True


def asked(server: Recorded, target: str, method: str = "POST", **headers: str) -> tuple[int, Any]:
    """The status and the body of an answer."""
    app = application([server], server, lambda: 7.0)  # type: ignore[list-item, arg-type]  # all that the page calls
    path, _, query = target.partition("?")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        "query_string": query.encode(),
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # plain dictionaries, as a server passes them
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body) if body[:1] == b"{" else body


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
def test_a_button_of_the_page_kills_its_server_in_its_circumstance(circumstance: Circumstance) -> None:
    server = Recorded()
    assert asked(server, f"/servers/custom_stage/kill?circumstance={circumstance}", **OWN) == (202, {"killed": True})
    assert server.kills == [circumstance]


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1"}, 403),  # a form of another page; a script of it may send no header of ours
        ({"host": "127.0.0.1", "origin": "http://127.0.0.1:5501", "content_type": "text/plain"}, 403),
        ({"host": "evil.example", "x-demo": "kill"}, 400),  # DNS rebinding
        ({"host": "evil.example:5500", "x-demo": "kill"}, 400),
        ({"x-demo": "kill"}, 400),
    ],
)
def test_a_request_that_is_not_the_pages_own_kills_nothing(
    circumstance: Circumstance, headers: dict[str, str], status: int
) -> None:
    server = Recorded()
    assert asked(server, f"/servers/custom_stage/kill?circumstance={circumstance}", **headers)[0] == status
    assert server.kills == []


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method_kills(circumstance: Circumstance, method: str) -> None:
    server = Recorded()
    assert asked(server, f"/servers/custom_stage/kill?circumstance={circumstance}", method, **OWN)[0] == 405
    assert server.kills == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/servers/no_such/kill?circumstance=killed", 404),
        ("/servers/../custom_stage/kill?circumstance=killed", 404),
        ("/servers//kill?circumstance=killed", 404),
        ("/servers/custom_stage/kill?circumstance=everything", 422),
        ("/servers/custom_stage/kill?circumstance=", 422),
        ("/servers/custom_stage/kill?circumstance=disk_wiped%00", 422),
        ("/servers/custom_stage/kill?circumstance=../..", 422),
        ("/servers/custom_stage/kill?circumstance=DISK_WIPED", 422),
    ],
)
def test_no_other_server_and_no_other_circumstance_is_known(target: str, status: int) -> None:
    server = Recorded()
    assert asked(server, target, **OWN)[0] == status
    assert server.kills == []


def test_what_could_not_be_taken_away_is_one_line_for_the_page() -> None:
    status, answer = asked(Recorded(fails=True), "/servers/custom_stage/kill?circumstance=model_topic_emptied", **OWN)
    assert status == 500
    assert answer == {
        "detail": "the model topic models_models cannot be emptied (no leader): check that Kafka runs, then retry"
    }


def test_what_the_page_shows_may_be_asked_under_this_machines_names_only() -> None:
    status, answer = asked(Recorded(), "/live-all", "GET", host="localhost:5500")
    assert (status, answer["models"]) == (200, "model topic is empty, next model in 12 s")
    assert [each["words"] for each in answer["servers"]] == ["starting for 0.0 s"]
    assert asked(Recorded(), "/live-all", "GET", host="evil.example")[0] == 400
    assert asked(Recorded(), "/", "GET", host="evil.example")[0] == 400
