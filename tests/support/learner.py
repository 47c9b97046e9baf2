"""Somebody who works on an exercise: an editor that saves answers, and the tool on a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from exercises.catalogue import ROOT, Exercise, find_exercise
from exercises.skeletons import filled
from exercises.workspace import Workspace, write_atomically

DEADLINE_S = 60.0
RIGHT = "exercises/tasks/kc_1/right/offsets_first.py"
OFF_BY_ONE = "exercises/tasks/kc_1/wrong/off_by_one.py"
OFF_BY_ONE_SAYS = "The next offset of partition 0 is wrong after records 2 and 3."
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>()][0-9A-B]?")
_HOME = "\x1b[H"  # each picture begins there
KC_1 = find_exercise("kc-1")


def text_of(name: str) -> str:
    """A kept answer's."""
    return (ROOT / name).read_text(encoding="utf-8")


def save(home: Path, answer: str, exercise: Exercise = KC_1) -> None:
    """Save the learner's file with this answer, as an editor does; the file may not be there yet."""
    mirror = (ROOT / "exercises" / exercise.file).read_text(encoding="utf-8")
    write_atomically(home / exercise.file, filled(mirror, exercise.file, exercise.name, answer))


def workspace(home: Path, *exercises: Exercise) -> Workspace:
    """Of a learner with these exercises only, up to date."""
    made = Workspace(exercises or [KC_1], home)
    made.update()
    return made


class Tool:
    """``python -m exercises`` on a terminal of its own, which is its controlling terminal, as a shell's is."""

    def __init__(self, home: Path, *words: str, columns: int = 80, rows: int = 24) -> None:
        self.home = home
        self._keyboard, line = pty.openpty()
        self.line = line
        self.resize(columns, rows)
        self.before = termios.tcgetattr(line)
        claim = "import fcntl, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        claim += "signal.signal(signal.SIGINT, signal.default_int_handler);"  # `make test &` ignores it
        claim += "from exercises.tool.commands import main; sys.exit(main(sys.argv[1:]))"
        # With these a terminal has this size and no other; a process of pytest-xdist has them.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", claim, "--home", str(home), *words],
            cwd=ROOT,
            stdin=line,
            stdout=line,
            stderr=line,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self.said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.read(0.0)
        os.close(self._keyboard)
        os.close(self.line)
        if error is not None:
            sys.stderr.write(f"--- the screen\n{self.screen()}\n")

    def press(self, keys: str) -> None:
        """Type these."""
        os.write(self._keyboard, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the system tells the tool."""
        self._columns = columns
        self._rows = rows
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, wait_s: float) -> None:
        """What it has written meanwhile; wait for more at most so long."""
        while select.select([self._keyboard], [], [], wait_s)[0]:
            try:
                arrived = os.read(self._keyboard, 65536)
            except OSError:  # all ends are closed
                return
            if not arrived:
                return
            self.said += arrived.decode(errors="replace")
            wait_s = 0.0

    def screen(self) -> str:
        """The last picture, without colours."""
        return _ESCAPES.sub("", self.said.rsplit(_HOME, 1)[-1]).replace("\r", "").replace("\xa0", " ")

    @property
    def is_whole(self) -> bool:
        """Whether the last picture has arrived to its end, and fills the terminal."""
        *lines, last = self.screen().split("\n")
        return len(lines) == self._rows - 1 and len(last) == self._columns

    def wait_for(self, text: str, gone: str = "\0") -> str:
        """The first picture with this text, and without the other."""
        deadline = time.monotonic() + DEADLINE_S
        while not self.is_whole or text not in self.screen() or gone in self.screen():
            assert time.monotonic() < deadline, f"not seen: {text!r} in\n{self.screen()}"
            assert self.process.poll() is None or text in self.screen(), f"ended before {text!r} was seen"
            self.read(0.2)
        return self.screen()

    def wait(self) -> int:
        """Its exit code; what it writes at its end is read."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it has not ended"
            self.read(0.05)
        self.read(0.0)
        return self.process.returncode

    @property
    def is_given_back(self) -> bool:
        """Whether the terminal is as it was: echo, lines, its ordinary screen, a cursor."""
        shown = self.said.rfind("\x1b[?1049l") > self.said.rfind("\x1b[?1049h")
        cursor = self.said.rfind("\x1b[?25h") > self.said.rfind("\x1b[?25l")
        return termios.tcgetattr(self.line) == self.before and shown and cursor

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)
