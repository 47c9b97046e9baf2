"""Whom the queries ask, and whom they must never ask: addresses come from any member of the group."""

import asyncio
import errno
import os

import pytest

from client.broker.ports import free_port
from serving.streams.instances import LOCAL_PATH, ask
from tests.support.instances import DEADLINE_S, asked, instance, reason, saying


def test_a_redirect_is_not_followed() -> None:
    async def run() -> None:
        followed = asyncio.Event()

        async def target(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            followed.set()

        async with instance(target) as url:
            there = f"HTTP/1.1 302 Found\r\nLocation: {url}{LOCAL_PATH}\r\nContent-Length: 0\r\n\r\n"
            (got,) = await asked(saying(there.encode()))
        assert reason(got) == "it answered with HTTP status 302"
        assert not followed.is_set()

    asyncio.run(run())


@pytest.mark.parametrize(
    "form",
    [
        "ftp://127.0.0.1:{port}",
        "file:///etc/hostname",
        "127.0.0.1:{port}",
        "//127.0.0.1:{port}",
        "http://user:word@127.0.0.1:{port}",
        "http://127.0.0.1:{port}/admin",
        "http://127.0.0.1:{port}//",
        "http://127.0.0.1:{port}?delete=all",
        "http://127.0.0.1:{port}#there",
        "http://127.0.0.1",
        "http://127.0.0.1:99999999",
        "http://:{port}",
        "",
    ],
)
def test_an_address_that_is_no_instance_s_is_not_asked(form: str) -> None:
    async def run() -> None:
        reached = asyncio.Event()

        async def trap(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            reached.set()

        async with instance(trap) as url:
            address = form.format(port=url.rpartition(":")[2])
            answers = await ask([address], "app", "wine", DEADLINE_S)
        assert reason(answers[address]) == "its address is not of the form http://HOST:PORT, so it was not asked"
        assert not reached.is_set()

    asyncio.run(run())


def test_one_behind_tls_is_asked_over_tls() -> None:
    async def run() -> None:
        greetings: list[bytes] = []

        async def handler(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            greetings.append(await reader.readexactly(1))

        async with instance(handler) as url:
            address = url.replace("http://", "https://")
            answers = await ask([address], "app", "wine", DEADLINE_S)
        assert greetings == [b"\x16"], "a TLS handshake, and no request in plain text"
        assert reason(answers[address]).startswith("cannot")

    asyncio.run(run())


def test_a_dead_one_is_known_at_once_and_a_name_that_is_none_harms_nobody() -> None:
    dead, no_name = f"http://127.0.0.1:{free_port()}", f"http://{'a' * 70}.example:80"
    answers = asyncio.run(ask([dead, no_name], "app", "wine", DEADLINE_S))
    assert reason(answers[dead]) == f"cannot connect ({os.strerror(errno.ECONNREFUSED)})"
    assert reason(answers[no_name]).startswith("cannot talk to it")
