"""Models from HTTP servers that the operator has named."""

import asyncio
from collections.abc import Set

import aiohttp
from yarl import URL

from model.errors import local_failure
from model.sources.files import too_large
from model.sources.location import redacted

PIECE_BYTES = 256 * 1024
PORTS = {"http": 80, "https": 443}


def download(location: str, hosts: Set[str], max_bytes: int, timeout_s: float) -> bytes:
    """What a server answers to one GET: no redirect is followed, no proxy asked, no cookie or password sent.

    On an event loop of its own, so any thread without one will do.

    Args:
        hosts: those that may be asked, in lower case: ``host``, at its scheme's usual port, or ``host:port``.
        max_bytes: counted as they arrive; the length that the server claims does not matter.
        timeout_s: for all of it.
    Raises:
        ValueError: the host is not one of them, or it does not answer with such a content in time.
        LocalFailure: it could not be asked.
    """
    try:
        url = URL(location)  # the very object that is asked for later: no second reading of it can find another host
        name = url.host_subcomponent
    except ValueError:
        name = None
    if name is None:
        raise ValueError("is at a location that is no URL of a host")
    if url.user is not None or url.password is not None:
        raise ValueError(
            "is at a URL with a user name or a password, which everyone who reads the topic would learn; leave it out"
        )
    asked = {f"{name}:{url.port}"} | ({name} if url.port == PORTS[url.scheme] else set())
    if asked.isdisjoint(hosts):
        host = min(asked, key=len)
        raise ValueError(f"is on {host!r}, which this server may not ask; start it with --model-hosts {host}")
    with asyncio.Runner() as runner:  # it may raise before there is anything to run
        return runner.run(_get(url, location, max_bytes, timeout_s))


async def _get(url: URL, location: str, max_bytes: int, timeout_s: float) -> bytes:
    content = bytearray()
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                auto_decompress=False,  # so that the size is the size
                headers={"Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:  # a redirect, too: it could lead to a host that nobody named
                # aiohttp keeps what is no UTF-8 in a form that nothing can encode.
                reason = (answer.reason or "").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                raise ValueError(f"is not at {redacted(location)}: the answer is {answer.status} {reason}")
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                content += piece
                if len(content) > max_bytes:
                    raise ValueError(too_large(max_bytes))
    except TimeoutError:
        raise ValueError(f"did not come from {url.host} within {timeout_s:.3g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        if (local := local_failure(error)) is not None:
            raise local from error
        said = getattr(error, "strerror", None) or type(error).__name__  # not its text, which may repeat the URL
        raise ValueError(f"cannot be had from {url.host}: {said}") from None
    return bytes(content)
