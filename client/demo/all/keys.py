"""Single keys from the terminal, without Enter, and what they ask for."""

import os
import re
import select
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Literal, NamedTuple

from client.demo.circumstances import Circumstance

ARMING: Mapping[str, Circumstance] = MappingProxyType({"d": "disk_wiped", "t": "model_topic_emptied"})
"""The key before a server's number that takes something more away from it: d for its disk, t for the topic."""

ESCAPE_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.)")
"""What arrows and function keys send; F5 sends a 1 and a 5."""


class Keys:
    """What has been pressed; nothing where there is no terminal."""

    def __init__(self, fd: int | None) -> None:
        """Read from there; None: never anything."""
        self._fd = fd

    def pressed(self) -> str:
        """The keys since the last call, without waiting."""
        if self._fd is None or not select.select([self._fd], [], [], 0)[0]:
            return ""
        try:
            arrived = os.read(self._fd, 1024)
        except OSError:  # the terminal is gone
            arrived = b""
        if not arrived:
            self._fd = None
        return arrived.decode(errors="replace")


class Kill(NamedTuple):
    """Kill this server, in this circumstance."""

    number: int
    circumstance: Circumstance


class Commands:
    """What a sequence of keys asks for; an arming key counts for the next key alone."""

    armed: Circumstance | None = None

    def read(self, keys: str) -> list[Kill | Literal["end"]]:
        """The commands in these keys; what is no command disarms."""
        commands: list[Kill | Literal["end"]] = []
        for key in ESCAPE_SEQUENCE.sub("\x1b", keys).lower():
            armed, self.armed = self.armed, ARMING.get(key)
            if key == "q":
                commands.append("end")
            elif key.isascii() and key.isdigit():
                commands.append(Kill(int(key), armed or "killed"))
        return commands


@contextmanager
def keys_of_terminal() -> Iterator[Keys]:
    """A block in which standard input, if it is a terminal, gives each key at once and shows none.

    The terminal is put back however the block ends. Ctrl-C goes on to be a signal.
    """
    fd = _terminal()
    if fd is None:
        yield Keys(None)
        return
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield Keys(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)  # keys still unread are not for the shell


def _terminal() -> int | None:
    try:
        fd = sys.stdin.fileno()
        # In the background (``&``) the terminal is the shell's: to touch it would stop us.
        return fd if os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp() else None
    except (OSError, ValueError, AttributeError):  # standard input is closed, or is none
        return None
