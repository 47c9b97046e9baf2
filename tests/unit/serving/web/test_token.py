"""Who may ask, and who may listen to more than this machine."""

import asyncio
from pathlib import Path

import pytest

from serving.settings.addresses import is_loopback
from serving.settings.command_line import BadSetting
from serving.settings.server import Settings
from tests.support.played_instances import get, serving, three

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


@pytest.mark.parametrize("content", [TOKEN, f"{TOKEN}\n", f"{TOKEN}\r\n", f"\ufeff{TOKEN}\r\nsecond line"])
def test_a_token_comes_from_the_first_line_of_a_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_bytes(content.encode())
    flags = ["--host", "0.0.0.0", "--http-token-file", str(tmp_path / "token")]
    assert Settings.read("program", flags).token == TOKEN
    assert Settings.read("program", [*flags, "--http-token", ANOTHER]).token == TOKEN
    assert TOKEN not in repr(Settings.read("program", flags))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_variable_that_was_filled_from_a_file_may_end_with_its_line_break(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setenv("SERVING_HTTP_TOKEN", TOKEN + end)
    assert Settings.read("program", []).token == TOKEN


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the first line of {} is empty; put the secret there"),
        (b"\n0123456789abcdef", "the first line of {} is empty; put the secret there"),
        (b"short-secret\n", "the token of --http-token-file has less than 16 characters"),
        (b"0123456789\x00abcdef", "has a character that no HTTP header carries"),
        (b"0123456789abcdef \n", "has a character that no HTTP header carries, or a space at its begin or end"),
        ("0123456789abcdef\u00fc".encode(), "has a character that no HTTP header carries"),
        ("0123456789abcdef".encode("utf-16"), "{} cannot be read (not a text in UTF-8)"),
        (b"\xff" * 20, "{} cannot be read (not a text in UTF-8)"),
        (b"x" * 100_000, "the first line of {} is longer than 65536 bytes"),
    ],
)
def test_a_token_file_of_no_use_is_one_line_without_its_content(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(BadSetting) as error:
        Settings.read("program", ["--http-token-file", str(file)])
    assert said.format(file) in str(error.value)
    assert str(error.value).isprintable()
    assert "short-secret" not in str(error.value)
    assert "456789" not in str(error.value)


@pytest.mark.parametrize("missing", ["/no/such/file", "/"])
def test_a_token_file_that_cannot_be_read_is_one_line(missing: str) -> None:
    with pytest.raises(BadSetting, match=f"--http-token-file: {missing} cannot be read"):
        Settings.read("program", ["--http-token-file", missing])
