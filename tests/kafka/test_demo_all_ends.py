"""How ``python -m client.demo.all`` ends: in order, by its time, by ``kill -9``, or before it began."""

import re
import socket
from pathlib import Path

from client.demo.settings import DEFAULT_PORTS
from tests.support.all_servers_demo import MODULE, PROCESSES, READY_S, AllServersDemo
from tests.support.demo_process import DemoProcess, alive
from tests.support.ports import ports_in_a_row
from tests.support.process import eventually

KILL_LIMIT_S = 10.0


def test_sigterm_ends_a_demo_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    demo = AllServersDemo(tmp_path, "--seconds", "600")
    try:
        demo.wait_until(lambda now: len(now) == 5, "there is a page")
        children = demo.descendants()
        demo.process.terminate()
        assert demo.process.wait(READY_S) == 0, demo.said
        assert alive(children) == set()
        assert "Traceback" not in demo.said
    finally:
        demo.end()


def test_too_short_a_time_names_the_servers_that_have_not_scored(tmp_path: Path) -> None:
    demo = AllServersDemo(tmp_path, "--seconds", "0.3")
    try:
        assert demo.process.wait(READY_S) == 1, demo.said
        assert f"\nerror: nothing scored within 0.3 s by {', '.join(DEFAULT_PORTS)}: give it longer" in demo.said
    finally:
        demo.end()


def test_nothing_survives_a_demo_that_is_killed(tmp_path: Path) -> None:
    demo = AllServersDemo(tmp_path)
    try:
        demo.wait_until(lambda now: len(now) == 5 and len(demo.started()) == PROCESSES, "all processes run")
        children = demo.descendants()
        demo.process.kill()
        eventually(lambda: alive(children) == set(), "all have ended", KILL_LIMIT_S)
    finally:
        demo.end()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    first = ports_in_a_row(6)
    with socket.create_server(("127.0.0.1", first + 3)):
        demo = DemoProcess(MODULE, tmp_path, first)
        assert demo.process.wait(READY_S) == 1
    assert re.fullmatch(
        rf"error: port {first + 3} is in use.* with --http-port \(make: DEMO_HTTP_PORT={first + 100} make demo-all\)\n",
        demo.said,
    )
