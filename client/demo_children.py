"""The processes that the demo starts: under a watchdog each, their output in a file."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from client.broker_files import last_lines
from client.demo_errors import ChildEnded, ChildNotReady
from client.errors import DataDirectoryUnusable
from client.printable import printable
from client.watchdog import watchdog_command

POLL_S = 0.05
LAST_LINES = 5


class Child:
    """A process that runs until ``stop``; it ends with this process, even when this process is killed."""

    def __init__(self, name: str, command: Sequence[str], log: Path, grace_s: float) -> None:
        """Remember what to start; nothing happens before ``start``.

        Args:
            name: what to call it in messages.
            log: where its output goes.
            grace_s: how long it may take to stop before it is killed.
        """
        self.name, self.log, self._command, self._grace_s = name, log, command, grace_s
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            DataDirectoryUnusable: its output cannot be written.
        """
        try:
            output: IO[bytes] = self.log.open("wb")
        except OSError as error:
            raise DataDirectoryUnusable(self.log.parent, error.strerror or str(error)) from None
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
        """See that it runs.

        Raises:
            ChildEnded: it does not.
        """
        assert self._process is not None
        exit_code = self._process.poll()
        if exit_code is not None:
            raise ChildEnded(self.name, exit_code, self.log, self.last_lines())

    def last_lines(self) -> list[str]:
        """The last lines it said."""
        return [printable(line) for line in last_lines(self.log, LAST_LINES)]

    def stop(self) -> int | None:
        """Stop it and wait for its end; without effect where it never started or has ended.

        Returns:
            its exit code; None if it never started.
        """
        if self._process is None:
            return None
        assert self._process.stdin is not None
        self._process.stdin.close()  # the watchdog's sign
        return self._process.wait(self._grace_s + 5.0)
