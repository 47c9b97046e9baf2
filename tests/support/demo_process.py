"""A demo as a process, and the processes of this machine, for tests."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from client.broker.ports import free_port
from tests.support.process import ROOT

DEADLINE_S = 60.0


def alive(pids: Iterable[int]) -> set[int]:
    """Those that still run: one that has ended and that nobody has asked about is a zombie."""
    processes = psutil.process_iter(["status"])
    return {each.pid for each in processes if each.info["status"] != psutil.STATUS_ZOMBIE}.intersection(pids)


class DemoProcess:
    """A demo on free ports, without a terminal."""

    def __init__(self, module: str, directory: Path, http_port: int, *flags: str, **environment: str) -> None:
        self.port = free_port()
        self.http_port = http_port
        self.output = directory / "demo.log"
        ports = ["--port", str(self.port), "--http-port", str(http_port)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *ports, *flags, "--data-dir", str(directory / "demo")],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, as a shell gives to each of its jobs
            )

    @property
    def said(self) -> str:
        """Standard output and standard error so far."""
        return self.output.read_text()

    def wait_until_said(self, pattern: str, deadline_s: float = DEADLINE_S) -> None:
        """A line that matches is there."""
        deadline = time.monotonic() + deadline_s
        while re.search(pattern, self.said) is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def descendants(self) -> dict[int, str]:
        """The processes that it started, and those that they started, with their command lines."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                found[child.pid] = " ".join(child.cmdline())
        return found

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
