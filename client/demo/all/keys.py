"""Single keys from the terminal, without Enter."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


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
