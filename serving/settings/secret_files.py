"""Secrets that come as a file, or as a variable that was filled from one."""

from pathlib import Path

MAX_BYTES = 64 * 1024  # of the first line: a longer one is no secret, but another file named by mistake


def read_secret(flag: str, path: Path) -> str:
    """The first line of a file; its line break does not count, nor a byte order mark before it.

    Raises:
        ValueError: it cannot be read, or there is nothing in it; the text names the flag, and nothing of the content.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_BYTES)
        secret = line.decode("utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise ValueError(f"{flag}: {path} cannot be read ({reason}); name a file that can") from None
    if not secret:
        raise ValueError(f"{flag}: the first line of {path} is empty; put the secret there")
    if len(line) == MAX_BYTES:
        raise ValueError(f"{flag}: the first line of {path} is longer than {MAX_BYTES} bytes; name another file")
    return secret


def without_line_break(secret: str) -> str:
    """A variable's value as it was meant: filled from a file it often ends with the file's line break."""
    return secret.rstrip("\r\n")
