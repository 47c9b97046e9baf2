"""From save to verdict: ``python -m exercises.tool.latency [NAME] [--saves 100]`` measures it, for exercises/README.md.

It starts the tool as a learner does, on a terminal of its own, saves a wrong and a right answer in turn, and waits each
time until the other verdict is on the screen. It is here and not in ``experiments/``, which knows no exercises.
"""

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from textwrap import dedent

from exercises.catalogue import ROOT, Exercise, find_exercise
from exercises.proofs import sentence_of
from exercises.skeletons import filled
from exercises.workspace import Workspace, write_atomically

COLUMNS, ROWS = 200, 50  # so that no sentence is wrapped
LIMIT_S = 90.0
PASSED = b" PASSED "


class Screen:
    """The tool's terminal."""

    def __init__(self, fd: int) -> None:
        """``fd`` is its other end."""
        self._fd = fd

    def wait_for(self, text: bytes) -> None:
        """Read until this is written."""
        seen = b""
        deadline_s = time.monotonic() + LIMIT_S
        while text not in seen:
            if not select.select([self._fd], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
                sys.exit(f"error: not within {LIMIT_S:g} s on the screen: {text.decode()}")
            seen = seen[-4096:] + os.read(self._fd, 65536)


@contextmanager
def tool(home: Path) -> Iterator[Screen]:
    """``python -m exercises`` in a terminal of its own."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        command = [sys.executable, "-m", "exercises", "--home", str(home)]
        os.execve(command[0], command, {**os.environ, "TERM": "xterm-256color"})  # noqa: S606 - there is no shell
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        yield Screen(fd)
    finally:
        os.close(fd)  # it ends with its terminal
        os.waitpid(pid, 0)


def measure(exercise: Exercise, saves: int) -> Sequence[float]:
    """Seconds from each save to its verdict."""
    with tempfile.TemporaryDirectory(prefix="latency-") as directory:
        home = Path(directory) / "mine"
        workspace = Workspace([exercise], home)
        workspace.update()
        (home / "progress.txt").write_text(f"{exercise.name} pending 2026-01-01T00:00:00.000+00:00\n")
        mirror = (ROOT / "exercises" / exercise.file).read_text(encoding="utf-8")
        wrong = exercise.answers("wrong")[0]
        answers = (
            (wrong.read_text(encoding="utf-8"), sentence_of(wrong).encode()),
            (exercise_solution(workspace), PASSED),
        )
        with tool(home) as screen:
            screen.wait_for(b"NOT SOLVED YET")
            taken = []
            for answer, verdict in islice(cycle(answers), saves + 2):
                write_atomically(home / exercise.file, filled(mirror, exercise.file, exercise.name, answer))
                began_s = time.monotonic()
                screen.wait_for(verdict)
                taken.append(time.monotonic() - began_s)
            return taken[2:]  # the first ones wait for the imports, and for the broker


def exercise_solution(workspace: Workspace) -> str:
    """Of the only exercise, at the left margin."""
    return dedent(workspace.solution(workspace.exercises[0]))


def row(exercise: Exercise, taken: Sequence[float]) -> str:
    """Of the table."""
    broker = "with a broker" if exercise.needs_broker else "without a broker"
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
    figures = " | ".join(f"{each:.2f} s" for each in (statistics.median(taken), p99, max(taken)))
    return f"| `{exercise.name}`, {broker} | {len(taken)} | {figures} |"


def main() -> None:
    """Measure, and print a row of the table."""
    parser = argparse.ArgumentParser("python -m exercises.tool.latency")
    parser.add_argument("name", nargs="?", default="kc-1")
    parser.add_argument("--saves", type=int, default=100)
    words = parser.parse_args()
    exercise = find_exercise(words.name)
    print(row(exercise, measure(exercise, words.saves)))


if __name__ == "__main__":
    main()
