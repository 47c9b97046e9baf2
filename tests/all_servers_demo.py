"""The demo of all servers as a process, for tests."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.demo.variants import DEFAULT_PORTS
from tests.demo_process import DemoProcess
from tests.ports import ports_in_a_row
from tests.process import eventually

MODULE = "client.demo.all_servers"
PACE = ("--data-interval", "0.05", "--model-interval", "20")
FRESH_S, MUCH = 8.0, 60
SETTLED_S, ATTEMPTS = 3.0, 4
READY_S = 120.0  # five servers start at once
PROCESSES = 2 * (1 + 1 + len(DEFAULT_PORTS))  # provider, broker and servers, each with its watchdog


class AllServersDemo(DemoProcess):
    """The demo of all servers, and what its page would ask it."""

    def __init__(self, directory: Path, *flags: str) -> None:
        super().__init__(MODULE, directory, ports_in_a_row(6), *PACE, *flags)
        self.page = f"http://127.0.0.1:{self.http_port}/"

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
        """Each of them scores."""
        return self.wait_until(
            lambda now: len(now) == 5 and all(each["phase"] == "serving" for each in now.values()), "all five score"
        )

    def wait_until_there_is_much_to_keep(self, variant: str) -> None:
        """It has counted with its model for a while, and the next model, with which it would begin anew, is far."""

        def holds(now: dict[str, Any]) -> bool:
            server, counters = now[variant], now[variant]["counters"]
            fresh = time.time() - (counters["since_ms"] or 0) / 1000 < FRESH_S
            return bool(fresh and server["phase"] == "serving" and counters["usage"] >= MUCH)

        self.wait_until(holds, f"{variant} has counted {MUCH}")

    def kill_until_judged(self, variant: str, kill: Callable[[], object]) -> dict[str, Any]:
        """Kill it until there is no swap on the way back, which may take long; what the last kill did."""
        for _ in range(ATTEMPTS):
            self.wait_until_there_is_much_to_keep(variant)
            kills = self.servers()[variant]["kills"]
            kill()

            def is_back(now: dict[str, Any], kills: int = kills) -> bool:
                server = now[variant]
                settled = server["phase"] == "serving" and server["phase_s"] > SETTLED_S
                return bool(settled and server["kills"] > kills)

            recovery: dict[str, Any] = self.wait_until(is_back, f"{variant} is back")[variant]["recovery"]
            if recovery["counters_kept"] is not None:
                return recovery
        raise AssertionError("a swap each time")

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
