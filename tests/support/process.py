"""A real process of ours, such as ``python -m client.provider``, for tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.forked_process import ForkedProcess

ROOT = Path(__file__).parents[2]
DEADLINE_S = 180.0  # for what hangs: on a quarter of a core a server was ready after more than a minute
Started = subprocess.Popen[bytes] | ForkedProcess
NO_JAVA = {"PATH": "/nonexistent", "JAVA_HOME": "/nonexistent"}


def eventually(holds: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Ask until it holds; an assertion fails after the deadline."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(0.05)  # the pace of asking, not a wait: the loop ends when it holds


def brokers_in(directory: Path) -> list[int]:
    """The numbers of the Java processes that run an embedded broker in this directory."""
    mark = f"-Dembedded.kafka={directory.resolve()}"
    commands = {each.pid: each.info["cmdline"] or [""] for each in psutil.process_iter(["cmdline"])}
    return [pid for pid, command in commands.items() if mark in command and command[0].endswith("/bin/java")]


class Process:
    """Started at once; ended, if it still runs, when the ``with`` block ends."""

    def __init__(self, log: Path, *words: str, **environment: str) -> None:
        """Run ``python WORDS`` from the repository's root, with an environment in which no Java can be found."""
        self._log = log
        self.process = self._started(words, {**os.environ, "PYTHONUNBUFFERED": "1", **NO_JAVA, **environment})

    def _started(self, words: Sequence[str], environment: Mapping[str, str]) -> Started:
        option, *module_and_flags = words
        if option == "-m":
            return ForkedProcess(module_and_flags, ROOT, self._log, environment)
        with self._log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if error is not None:
            sys.stderr.write(f"--- {self._log.name}\n{self.said[-4000:]}\n")

    @property
    def said(self) -> str:
        """Standard output and standard error so far."""
        return self._log.read_text(errors="replace")

    @property
    def errors(self) -> list[str]:
        """The lines that begin with ``error:``."""
        return [line for line in self.said.splitlines() if line.startswith("error:")]

    def wait_until_said(self, text: str, deadline_s: float = DEADLINE_S) -> None:
        """It has printed this."""
        self.wait_until(lambda: text in self.said, f"saying {text!r}", deadline_s)

    def wait_until(self, holds: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
        """Something holds; an assertion fails after the deadline, or when the process ends before."""

        def held_or_ended() -> bool:
            ended = self.process.poll() is not None
            held.append(holds())  # once: it may hold for a moment only
            return held[-1] or ended

        held = [False]
        try:
            eventually(held_or_ended, what, deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- {self._log.name}\n{self.said[-2000:]}") from None
        assert held[-1], f"ended with {self.process.returncode} before {what}:\n{self.said}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.wait()

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Its exit code, when it has ended by itself."""
        return self.process.wait(deadline_s)


def runs(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
