"""A real ``python -m VARIANT.server`` process, for tests."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from client.broker.ports import free_port
from tests.support.process import DEADLINE_S, Process

WHOLE_APPLICATION = "/state/value?data_type={}"
QUERIES = {
    "custom_stage": "/state?data_type={}",
    "actors_persistent": "/state/{}",
    "streams_inmemory": WHOLE_APPLICATION,
    "streams_kvstore": WHOLE_APPLICATION,
    "streams_customstore": WHOLE_APPLICATION,
}
"""Where each variant answers for the state of a data type."""


class ServerProcess(Process):
    """A server on a free port, in a consumer group that belongs to its topics."""

    def __init__(
        self,
        variant: str,
        bootstrap_servers: str,
        topic_prefix: str,
        log: Path,
        *flags: str,
        data_dir: Path | None = None,
        program: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """A server that is started at once.

        Args:
            data_dir: None is a directory that no other server has.
            program: Python's text, run in place of the variant's server, whose module is its first argument.
            environment: variables besides this process's.
        """
        self.port = free_port()
        self.group = f"{variant}-{topic_prefix}"
        self._query = QUERIES[variant]
        known = {
            "--bootstrap-servers": bootstrap_servers,
            "--topic-prefix": topic_prefix,
            "--group": self.group,
            "--port": str(self.port),
            "--data-dir": str(log.with_suffix(".state") if data_dir is None else data_dir),
        }
        words = [word for pair in known.items() for word in pair]
        python = ("-c", program) if program else ("-m",)
        super().__init__(log, *python, f"{variant}.server", *words, *flags, **(environment or {}))

    def wait_until_ready(self, deadline_s: float = DEADLINE_S) -> Self:
        """Its models have caught up and it scores."""
        self.wait_until(lambda: self.get("/healthz")[0] == 200, "it was ready", deadline_s)
        return self

    def ask(self, data_type: str = "wine") -> tuple[int, Any]:
        """Status and JSON of its answer to the query for the state of a data type."""
        return self.get(self._query.format(quote(data_type, safe="")))

    def state(self, data_type: str = "wine") -> Any:
        """The state for a data type that it knows."""
        status, answer = self.ask(data_type)
        assert status == 200, f"{status} {answer}\n{self.said[-2000:]}"
        return answer

    def wait_until_state(
        self, holds: Callable[[Any], bool], data_type: str = "wine", deadline_s: float = DEADLINE_S
    ) -> Any:
        """The state for a data type satisfies ``holds``; that state."""

        def held() -> bool:
            status, answer = self.ask(data_type)
            answers.append(answer)
            return status == 200 and holds(answer)

        answers: list[Any] = [{}]
        try:
            self.wait_until(held, f"the expected state of {data_type}", deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\nits last answer: {answers[-1]}") from None
        return answers[-1]

    def metric(self, name: str) -> float:
        """A sample of ``/metrics``, such as ``serving_records_skipped_total``: what this process counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            samples = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", answer.read().decode(), re.MULTILINE)
        return sum(map(float, samples))

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an HTTP answer; (0, {}) while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)
        except (urllib.error.URLError, OSError):
            return 0, {}
