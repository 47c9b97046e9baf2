"""The demo of all servers as a process, for tests."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from client.demo.circumstances import Circumstance
from client.demo.settings import DEFAULT_PORTS, TOPIC_PREFIX
from serving.settings.topics import Topics
from tests.support.demo_process import DemoProcess
from tests.support.models import times_alcohol
from tests.support.ports import ports_in_a_row
from tests.support.process import eventually
from tests.support.stream import Stream, model

MODULE = "client.demo.all"
PACE = ("--data-interval", "0.05", "--model-interval", "3600")
MODEL = "times-alcohol-onnx"
AT_WORK = ("serving", "skipping")
MUCH = 60
READY_S = 300.0  # five servers start at once, on any machine
PROCESSES = 2 * (1 + 1 + len(DEFAULT_PORTS))  # provider, broker and servers, each with its watchdog


class AllServersDemo(DemoProcess):
    """The demo of all servers, and what its page would ask it."""

    def __init__(self, directory: Path, *flags: str) -> None:
        super().__init__(MODULE, directory, ports_in_a_row(6), *PACE, *flags)
        self.page = f"http://127.0.0.1:{self.http_port}/"
        self._model_published = False

    def servers(self) -> dict[str, Any]:
        """Each server's column; empty until there is a page."""
        try:
            with urllib.request.urlopen(f"{self.page}live-all", timeout=5) as answer:
                return {server["name"]: server for server in json.load(answer)["servers"]}
        except (urllib.error.URLError, OSError):
            return {}

    def wait_until(self, holds: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The servers are as they should be."""

        def asked() -> bool:
            assert self.process.poll() is None, self.said
            return holds(self.servers())

        eventually(asked, what, READY_S)
        return self.servers()

    def wait_until_all_serve(self) -> dict[str, Any]:
        """Each of them scores, with the only model that comes after all five have started: none comes during a test."""
        if not self._model_published:
            self.wait_until(
                lambda now: len(now) == 5 and all(each["phase"] in AT_WORK for each in now.values()), "all five work"
            )
            self.publish_model()
            self._model_published = True
        return self.wait_until(
            lambda now: all(each["phase"] == "serving" and each["counters"]["model"] == MODEL for each in now.values()),
            "all five score with it",
        )

    def publish_model(self) -> None:
        """The next model comes."""
        stream = Stream(f"127.0.0.1:{self.port}", Topics.prefixed(TOPIC_PREFIX))
        stream.publish_model(model(MODEL, data=times_alcohol(1.0)))

    def judged_after(self, variant: str, kill: Callable[[], object]) -> dict[str, Any]:
        """Kill it once it has counted, and wait until it is back; what the kill did."""
        self.wait_until(lambda now: bool(now[variant]["counters"]["usage"] >= MUCH), f"{variant} has counted {MUCH}")
        kills = self.servers()[variant]["kills"]
        kill()

        def is_judged(now: dict[str, Any]) -> bool:
            server = now[variant]
            back = server["kills"] > kills and server["phase"] == "serving"
            return bool(back and server["recovery"]["counters_kept"] is not None)

        recovery: dict[str, Any] = self.wait_until(is_judged, f"{variant} is back")[variant]["recovery"]
        return recovery

    def seen_after(self, circumstance: Circumstance, variants: Iterable[str] = DEFAULT_PORTS) -> dict[str, Any]:
        """Kill these servers in this circumstance once they have counted; what each of their cells shows then."""
        variants = set(variants)
        self.wait_until(
            lambda now: all(now[each]["counters"]["usage"] >= MUCH for each in variants), "all have counted"
        )
        for variant in variants:
            assert self.post(f"servers/{variant}/kill?circumstance={circumstance}", **{"X-Demo": "test"}) == 202

        def seen(now: dict[str, Any]) -> dict[str, Any]:
            return {each: now[each]["recoveries"][circumstance] for each in variants}

        def are_judged(now: dict[str, Any]) -> bool:
            judged = seen(now).values()
            return all(None not in (each["model_kept"], each["counters_kept"]) for each in judged)

        return seen(self.wait_until(are_judged, f"all are judged ({circumstance})"))

    def started(self) -> list[str]:
        """The command lines of what it has started, without the processes in which its servers try models out."""
        return [command for command in self.descendants().values() if "model.trial_process" not in command]

    def state_of(self, variant: str) -> Path:
        """The state directory of a variant's server."""
        (command,) = [it for it in self.descendants().values() if re.match(rf"\S+ -m {variant}\.server ", it)]
        return Path(command.split("--data-dir=")[1].split()[0])

    def pid(self, variant: str) -> int:
        """The process of a variant's server."""
        found = self.descendants().items()
        return next((pid for pid, command in found if re.match(rf"\S+ -m {variant}\.server ", command)), 0)

    def post(self, path: str, **headers: str) -> int:
        """The status of the answer."""
        request = urllib.request.Request(f"{self.page}{path}", method="POST", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as refusal:
            return refusal.code
