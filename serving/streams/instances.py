"""Asks the other instances. Their addresses come from the group and their answers from the network: neither is trusted.

Any member of the consumer group can put any text where its URL belongs. So a request goes to ``http://HOST:PORT``
(or ``https``) and a path of our choice, or nowhere; and an answer may be late, endless, forged, or another program's.
"""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import ClientConnectorError, ClientError, ClientSession, DummyCookieJar
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError
from yarl import URL

from serving.streams.local_state import Count, Part
from serving.web.token import bearer

LOCAL_PATH = "/state/local"
TIME_LIMIT_S = 1.0  # for one instance, from the name's look-up to the answer's last byte
MAX_ANSWER_BYTES = 1024 * 1024  # approximately 2,500 partitions; our event loop stands still while it is parsed


class LocalAnswer(BaseModel):
    """What one instance knows by itself."""

    model_config = ConfigDict(strict=True)

    application_id: str
    partitions: Annotated[list[Count], FailFast()] = Field(
        description="of the data topic, that are this instance's now"
    )
    stores: Annotated[list[str], FailFast()] = Field(description="where it keeps its counters; empty: in memory")
    parts: Annotated[list[Part], FailFast()]


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """An instance did not answer, or not as an instance of this application does; ``reason`` is in our words only."""

    reason: str


async def ask(
    urls: Iterable[str], application_id: str, data_type: str, time_limit_s: float, token: str | None = None
) -> dict[str, LocalAnswer | NoAnswer]:
    """Ask instances, all at once; takes no longer than the slowest of them, and no longer than the time limit.

    Args:
        urls: as the group has them; any text.
        data_type: the one to ask for; all of them could be more than an answer may be long.
        time_limit_s: for each of them.
        token: what the instances of this application ask for; it is sent to any address that a member of the group
            announces.
    Returns:
        An answer, or why there is none, for each URL.
    """
    async with (
        # Compressed answers stay so, and are refused: a few of their bytes could become any number.
        ClientSession(auto_decompress=False, cookie_jar=DummyCookieJar(), headers=bearer(token)) as session,
        asyncio.TaskGroup() as tasks,
    ):

        async def answer(url: str) -> LocalAnswer | NoAnswer:
            address = _address(url)
            if address is None:
                return NoAnswer("its address is not of the form http://HOST:PORT, so it was not asked")
            try:
                async with asyncio.timeout(time_limit_s):
                    body = await _fetch(session, address.with_query(data_type=data_type))
            except TimeoutError:
                return NoAnswer(f"no answer within {time_limit_s} s")
            except (ClientError, OSError, ValueError) as error:
                return NoAnswer(_said_of(error))
            return body if isinstance(body, NoAnswer) else _understood(body, application_id)

        asked = {url: tasks.create_task(answer(url)) for url in urls}
    return {url: task.result() for url, task in asked.items()}


def _address(url: str) -> URL | None:
    try:
        parsed = URL(url)
        if parsed.scheme not in ("http", "https") or parsed.explicit_port is None or parsed != parsed.origin():
            return None
    except ValueError:
        return None
    return parsed.with_path(LOCAL_PATH)


async def _fetch(session: ClientSession, address: URL) -> bytes | NoAnswer:
    async with session.get(address, allow_redirects=False) as response:
        if response.status == 503:
            return NoAnswer("it is still restoring its state")
        if response.status != 200:
            return NoAnswer(f"it answered with HTTP status {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                return NoAnswer(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)


def _understood(body: bytes, application_id: str) -> LocalAnswer | NoAnswer:
    try:
        answer = LocalAnswer.model_validate_json(body)
    except ValidationError:
        return NoAnswer("its answer is not what an instance says")
    if answer.application_id != application_id:
        return NoAnswer("it belongs to another application")
    return answer


def _said_of(error: Exception) -> str:
    if isinstance(error, ClientConnectorError) and error.errno:
        return f"cannot connect ({os.strerror(error.errno)})"
    return f"cannot talk to it ({type(error).__name__})"  # the error's own text would quote what it sent
