"""Who may ask, and who may listen to more than this machine."""

import asyncio

import pytest

from serving.addresses import is_loopback
from serving.command_line import BadSetting
from serving.settings import Settings
from tests.known_instances import get, serving, three

TOKEN, ANOTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org"])
def test_an_address_that_others_can_reach_needs_a_token(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(BadSetting, match="--http-token"):
        Settings.read("program", ["--host", host])
    settings = Settings.read("program", ["--host", host, "--http-token", TOKEN])
    assert settings.token == TOKEN
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_alone_needs_none(host: str) -> None:
    assert Settings.read("program", ["--host", host]).token is None


def test_a_short_token_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSetting) as error:
        Settings.read("program", ["--http-token", "short-secret"])
    assert "short-secret" not in str(error.value)


def test_instances_ask_one_another_with_their_token() -> None:
    async def asked() -> tuple[int, int]:
        engines = three(token=TOKEN)
        async with serving(*engines):
            answer = await get(engines[0].url, "/state/value", token=TOKEN, data_type="wine")
            return answer.status, answer.body["usage"]

    assert asyncio.run(asked()) == (200, 111)


@pytest.mark.parametrize("token", [None, ANOTHER, TOKEN[:-1]])
def test_nobody_else_is_answered(token: str | None) -> None:
    async def asked() -> tuple[int, str]:
        engines = three(token=TOKEN)
        async with serving(*engines):
            answer = await get(engines[0].url, "/state/value", token=token, data_type="wine")
            return answer.status, answer.headers["WWW-Authenticate"]

    status, challenge = asyncio.run(asked())
    assert status == 401
    assert challenge.startswith("Basic ")
