"""Single keys from the terminal, without Enter."""

import os
import re
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

Attributes = list[int | list[bytes | int]]  # of a terminal, as termios has them
ESCAPE_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.)")
"""What arrows and function keys send; F5 sends a 1 and a 5."""


class Keys:
    """What has been pressed; nothing where there is no terminal."""

    def __init__(self, fd: int | None, before: Attributes | None = None) -> None:
        """Read from there; None: never anything. ``before``: how the terminal was."""
        self._fd = fd
        self._before = before

    @property
    def fd(self) -> int | None:
        """What to wait at for the next key; None where none will come."""
        return self._fd

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """A block in which the terminal is as it was before: while this process is stopped (Ctrl-Z)."""
        if self._fd is None or self._before is None:
            yield
            return
        termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
        try:
            yield
        finally:
            tty.setcbreak(self._fd)

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
        yield Keys(fd, before)
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)  # keys still unread are not for the shell


def _terminal() -> int | None:
    try:
        fd = sys.stdin.fileno()
        # In the background (``&``) the terminal is the shell's: to touch it would stop us.
        return fd if os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp() else None
    except (OSError, ValueError, AttributeError):  # standard input is closed, or is none
        return None
