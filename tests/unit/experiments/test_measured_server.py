"""A server under measurement, played by a program that needs no Kafka: what it has used, frozen and killed."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from experiments.errors import ServerEnded
from experiments.measured_server import MeasuredServer
from tests.support.process import eventually

FILLED_BYTES = 64 << 20
BUSY_S = 0.2
PLAYED = f"""
import pathlib, sys, time
filled = b"x" * {FILLED_BYTES}
until_s = time.process_time() + {BUSY_S}
while time.process_time() < until_s:
    pass
ticks = pathlib.Path(__file__).with_name("ticks")
while True:
    with ticks.open("a") as file:
        file.write("x")
    time.sleep(0.01)
"""


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """A file that grows while the played server runs."""
    return tmp_path / "played" / "ticks"


@pytest.fixture
def server(tmp_path: Path, ticks: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MeasuredServer]:
    """It runs, and has done what costs time and memory."""
    ticks.parent.mkdir()
    (ticks.parent / "__init__.py").touch()
    (ticks.parent / "server.py").write_text(PLAYED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with MeasuredServer("played", "nowhere:9", "prefix", tmp_path, []) as played:
        played.start()
        eventually(ticks.exists, "it ticks")
        yield played


def test_its_usage_is_that_of_the_server_and_not_of_its_watchdog(server: MeasuredServer) -> None:
    used = server.usage()
    assert BUSY_S <= used.cpu_s < BUSY_S + 30
    assert FILLED_BYTES < used.memory_bytes < 3 * FILLED_BYTES


def watchdogs() -> list[psutil.Process]:
    """Children of this process, each of which runs a played server, or is about to start it."""
    return [each for each in psutil.Process().children() if "played.server" in each.cmdline()]


def played_servers() -> list[psutil.Process]:
    """Their children."""
    return [child for each in watchdogs() for child in each.children()]


def is_stopped() -> bool:
    """Whether the played server is stopped as by Ctrl-Z."""
    (played,) = played_servers()
    return bool(played.status() == psutil.STATUS_STOPPED)


def test_frozen_it_does_nothing_until_it_is_thawed(server: MeasuredServer) -> None:
    server.freeze()
    eventually(is_stopped, "it is stopped")
    server.thaw()
    eventually(lambda: not is_stopped(), "it goes on")


def test_killed_it_can_be_started_again(server: MeasuredServer, ticks: Path) -> None:
    server.kill()
    seen = ticks.stat().st_size
    server.start()
    eventually(lambda: ticks.stat().st_size > seen, "it ticks again")


def test_started_a_second_time_it_is_still_one_process(server: MeasuredServer) -> None:
    (first,) = played_servers()
    server.start()
    (second,) = played_servers()
    assert first != second


def test_a_start_that_is_interrupted_leaves_no_process(server: MeasuredServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: psutil.Process) -> list[psutil.Process]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(psutil.Process, "children", interrupted)
        server.start()
    assert watchdogs() == []
    server.start()
    assert len(played_servers()) == 1


def test_one_that_ends_by_itself_is_one_line_with_what_it_said_last(
    server: MeasuredServer, ticks: Path, tmp_path: Path
) -> None:
    server.kill()
    (ticks.parent / "server.py").write_text("raise SystemExit('no wine today')")
    with pytest.raises(ServerEnded, match=r"played has ended by itself \(exit code 1\)(.|\n)*no wine today"):
        server.start()  # which notices it, too, if it ends at once
        server.wait_until(lambda: False, "never")
    assert (tmp_path / "server.log").exists()
