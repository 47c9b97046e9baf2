"""A real ``python -m VARIANT.server`` process, for tests."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from client.ports import free_port

ROOT = Path(__file__).parents[1]
DEADLINE_S = 30.0


class ServerProcess:
    """Started at once; ended, if it still runs, when the ``with`` block ends."""

    def __init__(self, variant: str, bootstrap_servers: str, topic_prefix: str, log: Path, *flags: str) -> None:
        self.port, self._log = free_port(), log
        known = ["--bootstrap-servers", bootstrap_servers, "--topic-prefix", topic_prefix, "--port", str(self.port)]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{variant}.server", *known, *flags],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
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

    def wait_until_ready(self, deadline_s: float = DEADLINE_S) -> Self:
        """Its models have caught up and it scores."""
        self._wait(lambda: self.get("/healthz")[0] == 200, "ready", deadline_s)
        return self

    def wait_until_said(self, pattern: str, deadline_s: float = DEADLINE_S) -> None:
        """A line that matches is on its console."""
        self._wait(lambda: re.search(pattern, self.said) is not None, f"saying {pattern!r}", deadline_s)

    def wait_until_state(
        self, holds: Callable[[Any], bool], path: str = "/state", deadline_s: float = DEADLINE_S
    ) -> Any:
        """Its answer at ``path`` satisfies ``holds``; that answer."""
        self._wait(lambda: holds(self.get(path)[1]), f"in the expected state at {path}", deadline_s)
        return self.get(path)[1]

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an HTTP answer; (0, {}) while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)
        except (urllib.error.URLError, OSError):
            return 0, {}

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
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

    def _wait(self, holds: Callable[[], bool], what: str, deadline_s: float) -> None:
        deadline = time.monotonic() + deadline_s
        while not holds():
            assert self.process.poll() is None, (
                f"ended with {self.process.returncode} before it was {what}:\n{self.said}"
            )
            assert time.monotonic() < deadline, f"not {what} after {deadline_s} s:\n{self.said[-4000:]}"
            time.sleep(0.02)  # the pace of asking, not a wait: the loop ends when it holds
