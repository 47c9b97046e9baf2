"""``python -m client.demo`` as a whole: broker, provider, server and view, started and ended as a user would."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.broker.ports import free_port
from client.demo.one.one_server import GRACE_S
from tests.support.demo_process import DEADLINE_S, DemoProcess, alive
from tests.support.process import ROOT, eventually

PACE = ("--data-interval", "0.02", "--model-interval", "1")
KILL_LIMIT_S = GRACE_S + 5.0  # on a quiet machine: 5 s in all
STOP_LIMIT_S = 10.0
SUMMARY = (
    r"scored +(\d+) records\nmodels +(\d+): .*\nswaps +(\d+)\nlatency +p50 ([\d.]+) ms, p99 ([\d.]+) ms end to end\n"
)


Start = Callable[..., DemoProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a demo, which ends when the test does."""
    demos: list[DemoProcess] = []

    def started(*flags: str, **environment: str) -> DemoProcess:
        demos.append(DemoProcess("client.demo", tmp_path, free_port(), *PACE, *flags, **environment))
        return demos[-1]

    yield started
    for demo in demos:
        demo.end()


def test_a_demo_that_has_a_time_ends_by_itself_and_sums_up(start: Start) -> None:
    demo = start(DEMO_SECONDS="8")
    assert demo.process.wait(DEADLINE_S) == 0, demo.said
    summary = re.search(SUMMARY, demo.said)
    assert summary is not None, demo.said
    records, models, swaps, p50_ms, p99_ms = (float(number) for number in summary.groups())
    # 50 wines per second and one of seven models every second, for 8 s; longer where the start takes its time.
    assert records >= 200
    assert 2 <= models <= 7
    assert swaps >= models - 1
    assert demo.said.count("swap: ") == swaps
    assert 0 < p50_ms <= p99_ms


def test_nothing_survives_a_demo_that_is_killed(start: Start) -> None:
    demo = start()
    demo.wait_until_said("records/s")
    children = demo.descendants()
    assert len(children) >= 6, "provider, broker and server, each with its watchdog"
    demo.process.kill()
    eventually(lambda: not alive(children), "all have ended", KILL_LIMIT_S)


def test_ctrl_c_stops_everything_however_often_it_is_pressed(start: Start) -> None:
    demo = start()
    demo.wait_until_said(r"p50 +[\d.]+ ms")  # a wine of the demo's own time has its score
    children = demo.descendants()
    pressed_s = time.monotonic()
    os.killpg(demo.process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    demo.wait_until_said("Stopping")
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(DEADLINE_S) == 0, demo.said
    assert time.monotonic() - pressed_s < STOP_LIMIT_S
    assert alive(children) == set()
    assert "Traceback" not in demo.said
    assert re.search(SUMMARY, demo.said) is not None


def test_a_second_demo_and_a_dead_server_are_one_clear_line_each(start: Start) -> None:
    demo = start()
    demo.wait_until_said("records/s")
    for flag, port, other in (("--port", demo.port, "--http-port"), ("--http-port", demo.http_port, "--port")):
        command = [sys.executable, "-m", "client.demo", flag, str(port), other, str(free_port())]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert re.fullmatch(
            rf"error: port {port} is in use.* choose another with {flag} \(make: DEMO_[A-Z_]+={port + 1} make demo\)\n",
            second.stderr,
        )
    children = demo.descendants()
    server = next(pid for pid, command in children.items() if re.match(r"\S+ -m custom_stage\.server", command))
    os.kill(server, signal.SIGKILL)
    assert demo.process.wait(DEADLINE_S) == 1
    assert re.search(r"\nerror: the server ended by itself \(exit code 137\): .*server\.log\n  server: ", demo.said)
    assert alive(children) == set()
