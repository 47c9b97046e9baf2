"""Where a model's bytes are, when its descriptor does not have them: what a location may look like."""

import re
from urllib.parse import unquote, urlsplit

SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
PIN = re.compile(r"#sha256=([0-9a-f]{64})$")
NOT_SHOWN = "..."


def scheme_of(location: str) -> str:
    """The scheme of a URL in lower case; a path has none, which is "file"."""
    found = SCHEME.match(location)
    return found[1].lower() if found else "file"


def path_of(location: str) -> str:
    """The path that a plain path or a ``file:`` URL names.

    Raises:
        ValueError: it is on another machine, or there is more in the URL than a path.
    """
    if SCHEME.match(location) is None:
        return location
    parts = urlsplit(location)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise ValueError(f"is at {redacted(location)!r}, which is more than a path; send a file: URL of a path here")
    return unquote(parts.path)


def redacted(location: str) -> str:
    """The location as it may be shown: without what could be a password or a token."""
    location = PIN.sub("", location)
    if SCHEME.match(location) is None:
        return location
    kept = re.split(r"[?#]", location, maxsplit=1)[0]
    head, slashes, rest = kept.partition("//")
    host, slash, path = rest.partition("/")
    kept = f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else head
    return kept if kept == location else kept + NOT_SHOWN


def pin_location(location: str, sha256: str) -> str:
    """The location with the sum of what was read there; ``split_pin`` takes it apart again."""
    return f"{PIN.sub('', location)}#sha256={sha256}"


def split_pin(location: str) -> tuple[str, str | None]:
    """The location itself, and the sum in lower-case hexadecimal if it names one."""
    found = PIN.search(location)
    return (location[: found.start()], found[1]) if found else (location, None)
