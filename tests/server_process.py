"""A real ``python -m VARIANT.server`` process, for tests."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from client.ports import free_port
from tests.process import DEADLINE_S, Process


class ServerProcess(Process):
    """A server on a free port."""

    def __init__(self, variant: str, bootstrap_servers: str, topic_prefix: str, log: Path, *flags: str) -> None:
        self.port = free_port()
        known = ["--bootstrap-servers", bootstrap_servers, "--topic-prefix", topic_prefix, "--port", str(self.port)]
        super().__init__(log, "-m", f"{variant}.server", *known, *flags)

    def wait_until_ready(self, deadline_s: float = DEADLINE_S) -> Self:
        """Its models have caught up and it scores."""
        self.wait_until(lambda: self.get("/healthz")[0] == 200, "it was ready", deadline_s)
        return self

    def wait_until_state(
        self, holds: Callable[[Any], bool], path: str = "/state", deadline_s: float = DEADLINE_S
    ) -> Any:
        """Its answer at ``path`` satisfies ``holds``; that answer."""
        self.wait_until(lambda: holds(self.get(path)[1]), f"the expected answer at {path}", deadline_s)
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
