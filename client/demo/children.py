"""The processes that the demo starts: under a watchdog each, their output in a file."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from client.broker.files import last_lines
from client.broker.watchdog import KILL, watchdog_command
from client.demo.errors import ChildEnded, ChildNotReady
from client.errors import DataDirectoryUnusable
from client.terminal.printable import printable

POLL_S = 0.05
LAST_LINES = 5
KILLED_S = 5.0  # at most this long the system takes to end a killed process


def environment_of_children() -> dict[str, str]:
    """This process's environment as its children get it."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    environment.pop("KAFKA_BOOTSTRAP_SERVERS", None)  # a demo is about its own broker
    return environment


class Child:
    """A process that runs until ``stop``; it ends with this process, even when this process is killed."""

    def __init__(self, name: str, command: Sequence[str], log: Path, grace_s: float) -> None:
        """Remember what to start; nothing happens before ``start``.

        Args:
            name: what to call it in messages.
            log: where its output goes.
            grace_s: how long it may take to stop before it is killed.
        """
        self.name = name
        self.log = log
        self._command = command
        self._grace_s = grace_s
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, for the first time or after its end: its output is appended to the old one.

        Raises:
            DataDirectoryUnusable: its output cannot be written.
        """
        try:
            output: IO[bytes] = self.log.open("wb" if self._process is None else "ab")
        except OSError as error:
            raise DataDirectoryUnusable(self.log.parent, error.strerror or str(error)) from None
        self._let_go()
        with output:
            self._process = subprocess.Popen(
                watchdog_command(self._command, self._grace_s),
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the demo alone, which stops its children in order
            )

    def wait_until(self, ready: Callable[[], bool], timeout_s: float, stop: Callable[[], bool]) -> bool:
        """Wait until ``ready()``; False where ``stop()`` came first.

        Raises:
            ChildEnded: it ended instead.
            ChildNotReady: it took longer than ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while not stop():
            self.check()
            if ready():
                return True
            if time.monotonic() > deadline:
                raise ChildNotReady(self.name, timeout_s, self.log, self.last_lines())
            time.sleep(POLL_S)
        return False

    def check(self) -> None:
        """Check that it runs.

        Raises:
            ChildEnded: it does not.
        """
        exit_code = self.exit_code
        if exit_code is not None:
            raise ChildEnded(self.name, exit_code, self.log, self.last_lines())

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, or where it never started."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        """End it as ``kill -9`` does, and wait for its end; without effect where it has ended."""
        assert self._process is not None
        self._process.send_signal(KILL)
        self._process.wait(KILLED_S)

    def last_lines(self) -> list[str]:
        """The last lines of its output."""
        return [printable(line) for line in last_lines(self.log, LAST_LINES)]

    def stop(self) -> int | None:
        """Stop it and wait for its end; without effect where it never started or has ended.

        Returns:
            its exit code; None if it never started.
        """
        if self._process is None:
            return None
        self._let_go()
        return self._process.wait(self._grace_s + 5.0)

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # the watchdog's sign
