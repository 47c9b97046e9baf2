"""``python -m client.demo`` as a whole: broker, provider, server and view, started and ended as a user would."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from client.ports import free_port

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0
KILL_LIMIT_S = 5.0
STOP_LIMIT_S = 10.0
SUMMARY = (
    r"scored +(\d+) records\nmodels +(\d+): .*\nswaps +(\d+)\nlatency +p50 ([\d.]+) ms, p99 ([\d.]+) ms end to end\n"
)


class DemoProcess:
    """The demo on free ports, without a terminal."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.port, self.http_port, self.output = free_port(), free_port(), directory / "demo.log"
        ports = ["--port", str(self.port), "--http-port", str(self.http_port)]
        pace = ["--data-interval", "0.02", "--model-interval", "1"]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "client.demo", *ports, *pace, "--data-dir", str(directory / "demo")],
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

    def wait_until_said(self, pattern: str) -> None:
        """A line that matches is there."""
        deadline = time.monotonic() + DEADLINE_S
        while re.search(pattern, self.said) is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def descendants(self) -> dict[int, str]:
        """The processes that it started, and those that they started, with their command lines."""
        everything, found = processes(), dict[int, str]()
        parents = {self.process.pid}
        while parents:
            children = {pid: each.command for pid, each in everything.items() if each.parent in parents}
            found |= children
            parents = set(children)
        return found


class Process(NamedTuple):
    """A process of this machine."""

    parent: int
    state: str
    command: str


def processes() -> dict[int, Process]:
    """All of them by their number."""
    options = ["-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    listed = subprocess.run(["ps", *options], capture_output=True, text=True, check=True).stdout
    words = (line.split(maxsplit=3) for line in listed.splitlines())
    return {int(pid): Process(int(parent), state, " ".join(command)) for pid, parent, state, *command in words}


def alive(pids: Iterable[int]) -> set[int]:
    """Those that still run; one that has ended and that nobody has asked about is a zombie (Z)."""
    now = processes()
    return {pid for pid in pids if pid in now and not now[pid].state.startswith("Z")}


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[DemoProcess]]:
    """Demos to be ended when the test is."""
    demos: list[DemoProcess] = []
    yield demos
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.wait()


def test_a_demo_that_has_a_time_ends_by_itself_and_sums_up(tmp_path: Path, started: list[DemoProcess]) -> None:
    demo = DemoProcess(tmp_path, DEMO_SECONDS="8")
    started.append(demo)
    assert demo.process.wait(DEADLINE_S) == 0, demo.said
    summary = re.search(SUMMARY, demo.said)
    assert summary is not None, demo.said
    records, models, swaps, p50_ms, p99_ms = (float(number) for number in summary.groups())
    # 50 wines per second and one of six models every second, for 8 s; longer where the start takes its time.
    assert records >= 200
    assert 2 <= models <= 6
    assert swaps >= models - 1
    assert demo.said.count("swap: ") == swaps
    assert 0 < p50_ms <= p99_ms


def test_nothing_survives_a_demo_that_is_killed(tmp_path: Path, started: list[DemoProcess]) -> None:
    demo = DemoProcess(tmp_path)
    started.append(demo)
    demo.wait_until_said("records/s")
    children = demo.descendants()
    assert len(children) >= 6, "provider, broker and server, each with its watchdog"
    demo.process.kill()
    deadline = time.monotonic() + KILL_LIMIT_S
    while left := alive(children):
        assert time.monotonic() < deadline, f"{left} still run {KILL_LIMIT_S} s later"
        time.sleep(0.05)


def test_ctrl_c_stops_everything_however_often_it_is_pressed(tmp_path: Path, started: list[DemoProcess]) -> None:
    demo = DemoProcess(tmp_path)
    started.append(demo)
    demo.wait_until_said("records/s")
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


def test_a_second_demo_and_a_dead_server_are_one_clear_line_each(tmp_path: Path, started: list[DemoProcess]) -> None:
    demo = DemoProcess(tmp_path)
    started.append(demo)
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
    assert re.search(r"\nerror: the server ended by itself \(exit code 137\); .*server\.log\n  server: ", demo.said)
    assert alive(children) == set()
