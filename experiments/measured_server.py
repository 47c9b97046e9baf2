"""A real ``python -m VARIANT.server`` that an experiment starts, stops for a while, kills and starts again."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

from client.broker.files import last_lines
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.broker.watchdog import watchdog_command
from client.http_get import http_get
from experiments.errors import NotMeasured, ServerEnded

TIMEOUT_S = 60.0
LOOK_S = 0.01
GRACE_S = 12.0  # a stop takes a server at most 10 s


class Usage(NamedTuple):
    """All threads of a process together."""

    cpu_s: float  # user and system
    memory_bytes: int  # resident now


class MeasuredServer:
    """One instance: the same port, group and state directory at each start; it ends with this process."""

    def __init__(
        self,
        variant: str,
        bootstrap_servers: str,
        prefix: str,
        home: Path,
        flags: Sequence[str],
        orphaned_s: float = GRACE_S,
        python: str | Path = sys.executable,
    ) -> None:
        """Start nothing yet.

        Args:
            variant: its name.
            bootstrap_servers: of a running broker.
            prefix: of the topics, and the group's name.
            home: an empty directory for its log and its state.
            flags: more settings.
            orphaned_s: how long it may take to end after this process was killed; ``stop`` waits longer.
            python: the interpreter that runs it.
        """
        self._orphaned_s = orphaned_s
        self.variant = variant
        self.data_dir = home / "state"
        self.group = prefix
        """Its consumer group."""
        self._log = home / "server.log"
        self.port = free_port()
        """Of its HTTP interface."""
        self._process: subprocess.Popen[bytes] | None = None
        self._server: psutil.Process | None = None  # the watchdog's child
        self._command = [
            str(python),
            "-m",
            f"{variant}.server",
            f"--bootstrap-servers={bootstrap_servers}",
            f"--topic-prefix={prefix}",
            f"--group={self.group}",
            f"--port={self.port}",
            f"--data-dir={self.data_dir}",
            *flags,
        ]

    def start(self) -> float:
        """Start it, stopped first if it runs; returns when that was, on ``time.monotonic``'s clock."""
        self.stop()
        started_s = time.monotonic()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                watchdog_command(self._command, self._orphaned_s),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._server = self._child_of(psutil.Process(self._process.pid))
        except BaseException:  # Ctrl-C, too
            self._ended()
            raise
        return started_s

    def _child_of(self, watchdog: psutil.Process) -> psutil.Process:
        while not (children := watchdog.children()):
            self.check()
            time.sleep(LOOK_S)
        (child,) = children
        return child

    def freeze(self) -> None:
        """Let it do nothing until ``thaw``, as Ctrl-Z does."""
        self._running.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        self._running.resume()

    def kill(self) -> None:
        """``kill -9``."""
        self._running.kill()
        self._ended()

    def stop(self) -> None:
        """Ask it to stop and wait for its end; without effect where it does not run."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.thaw()  # frozen, it would hear of nothing
                self._running.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
            self._ended()

    def usage(self) -> Usage:
        """What it has used so far.

        Raises:
            ServerEnded: it does not run.
        """
        try:
            times = self._running.cpu_times()
            return Usage(times.user + times.system, self._running.memory_info().rss)
        except psutil.NoSuchProcess:
            self.check()
            raise

    @property
    def _running(self) -> psutil.Process:
        assert self._server is not None
        return self._server

    def get(self, path: str) -> Any:
        """The JSON, or else the text, of its answer; None while it does not answer, or not with 200."""
        content = http_get(HOST, self.port, path)
        if content is None:
            return None
        return json.loads(content) if content[:1] in b"{[" else content.decode()

    def meter(self, name: str) -> float:
        """One of its meters in ``/metrics``; 0 while it does not answer."""
        lines = (self.get("/metrics") or "").splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def wait_until(self, holds: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> float:
        """Look until it holds; when that was seen, on ``time.monotonic``'s clock.

        Raises:
            ServerEnded: the server has ended instead.
            NotMeasured: ``what`` took longer than ``timeout_s``.
        """
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            self.check()
            if time.monotonic() > deadline_s:
                raise NotMeasured(self.variant, what, timeout_s, last_lines(self._log))
            time.sleep(LOOK_S)
        return time.monotonic()

    def wait_until_ready(self) -> None:
        """Its models have caught up and it serves."""
        self.wait_until(lambda: self.get("/healthz") is not None, "it was ready")

    def check(self) -> None:
        """See that it runs.

        Raises:
            ServerEnded: it does not.
        """
        if self._process is not None and (exit_code := self._process.poll()) is not None:
            raise ServerEnded(self.variant, exit_code, last_lines(self._log))

    def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()  # the watchdog's sign
        self._process.wait(GRACE_S + 5.0)
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
