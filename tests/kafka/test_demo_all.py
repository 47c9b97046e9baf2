"""All five servers in one demo: their page in a real Chromium, kills by its buttons, and an orderly end."""

import json
import os
import re
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from client.demo.circumstances import Circumstance
from client.demo.settings import DEFAULT_PORTS
from tests.support.all_servers_demo import PROCESSES, READY_S, AllServersDemo
from tests.support.browser import chromium, needs_chromium
from tests.support.demo_process import alive
from tests.support.process import eventually

STOP_LIMIT_S = 15.0
RATE = r"[\d.]+"  # none in a server's first second


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllServersDemo]:
    """One in which all five score; stopped by Ctrl-C."""
    demo = AllServersDemo(tmp_path_factory.mktemp("demo"))
    try:
        demo.wait_until_all_serve()
        yield demo
        children = demo.descendants()
        pressed_s = time.monotonic()
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.process.wait(READY_S) == 0, demo.said
        assert time.monotonic() - pressed_s < STOP_LIMIT_S
        assert alive(children) == set()
        assert "Traceback" not in demo.said
        assert [name for name in DEFAULT_PORTS if f"\n{name}" in demo.said.partition("Stopping")[2]] == [*DEFAULT_PORTS]
    finally:
        demo.end()


@pytest.fixture
def browser(demo: AllServersDemo, tmp_path: Path) -> Iterator[Chrome]:
    """The page, open."""
    with chromium(tmp_path / "browser") as browser:
        browser.get(demo.page)
        yield browser


def text(browser: Chrome, selector: str) -> str:
    """What a reader sees; nothing while there is no such element."""
    script = "return document.querySelector(arguments[0])?.innerText ?? ''"
    shown: str = browser.execute_script(script, selector)
    return shown


def test_each_server_scores_the_same_records_on_its_own_port_and_says_what_it_promises(demo: AllServersDemo) -> None:
    servers = demo.wait_until_all_serve()
    assert list(servers) == list(DEFAULT_PORTS)
    assert len(demo.started()) == PROCESSES
    for number, (name, server) in enumerate(servers.items(), 1):
        assert server["url"] == f"http://127.0.0.1:{demo.http_port + number}/"
        with urllib.request.urlopen(f"{server['url']}live", timeout=5) as answer:
            live = json.load(answer)
        assert live["variant"] == name
        assert server["guarantees"] == live["guarantees"]
    # The rates, not the numbers: streams_inmemory had no model at first. 20 wines are published per second.
    demo.wait_until(lambda now: all(10 < (each["records_per_s"] or 0) < 40 for each in now.values()), "20 records/s")


def test_a_server_that_is_killed_over_http_comes_back_by_itself(demo: AllServersDemo) -> None:
    demo.wait_until_all_serve()
    others = {name: demo.pid(name) for name in DEFAULT_PORTS if name != "custom_stage"}

    def kill() -> None:
        before = demo.pid("custom_stage")
        assert demo.post("servers/custom_stage/kill", **{"X-Demo": "test"}) == 202
        assert alive([before]) == set()
        eventually(lambda: demo.pid("custom_stage") not in (before, 0), "there is another process")

    recovery = demo.judged_after("custom_stage", kill)
    assert {name: demo.pid(name) for name in others} == others, "nothing happened to the others"
    assert recovery["back_s"] > 0
    assert (recovery["skipped"], recovery["counters_kept"]) == (0, False)


SURVIVAL: dict[Circumstance, dict[str, tuple[bool, bool]]] = {
    # Source: the design's table of what survives; whether the model does (it serves at once), whether the counters do.
    "killed": {
        "custom_stage": (True, False),
        "actors_persistent": (True, True),
        "streams_inmemory": (False, False),
        "streams_kvstore": (True, True),
        "streams_customstore": (True, True),
    },
    "disk_wiped": {
        "custom_stage": (True, False),
        "actors_persistent": (True, False),
        "streams_inmemory": (False, False),
        "streams_kvstore": (True, True),
        "streams_customstore": (True, True),
    },
    "model_topic_emptied": {
        "custom_stage": (False, False),
        "actors_persistent": (True, True),
        "streams_inmemory": (False, False),
        "streams_kvstore": (True, True),
        "streams_customstore": (True, True),
    },
}
DIRECTORIES = ("actors_persistent", "streams_kvstore", "streams_customstore")


@pytest.mark.parametrize("circumstance", SURVIVAL)
def test_each_cell_of_the_survival_table_is_shown_live(demo: AllServersDemo, circumstance: Circumstance) -> None:
    demo.wait_until_all_serve()
    expected = SURVIVAL[circumstance]
    try:
        seen = demo.seen_after(circumstance)
        assert {name: (each["model_kept"], each["counters_kept"]) for name, each in seen.items()} == expected
        assert [name for name, each in seen.items() if each["skipped"]] == [
            name for name in seen if not expected[name][0]
        ], "a server that keeps its model skips nothing"
        for name, server in demo.servers().items():
            (cell,) = [each for each in server["cells"] if each["circumstance"] == circumstance]
            assert cell["verdict"] == "kept", name
            assert server["phase"] == ("serving" if expected[name][0] else "skipping")
    finally:
        demo.publish_model()  # also after a failure: the next test waits until all serve
    demo.wait_until(
        lambda now: all(each["phase"] == "serving" for each in now.values()), "the next model serves in all"
    )


@pytest.mark.thorough
def test_only_the_disk_of_that_server_is_wiped_and_only_in_that_circumstance(demo: AllServersDemo) -> None:
    demo.wait_until_all_serve()
    marks = {name: demo.state_of(name) / "mark" for name in DIRECTORIES}
    for mark in marks.values():
        mark.write_text("written by nobody's server")
    for circumstance in ("killed", "model_topic_emptied"):
        demo.seen_after(circumstance, ["streams_kvstore"])
        assert all(mark.exists() for mark in marks.values()), circumstance
    demo.seen_after("disk_wiped", ["streams_kvstore"])
    assert [name for name, mark in marks.items() if not mark.exists()] == ["streams_kvstore"]


@needs_chromium
def test_an_emptied_model_topic_is_seen_by_all_until_the_next_model_comes(
    demo: AllServersDemo, browser: Chrome
) -> None:
    demo.wait_until_all_serve()
    demo.publish_model()  # another test may have left none
    eventually(lambda: re.fullmatch(r"next model in \d+ s", text(browser, "#models")) is not None, "there are models")
    eventually(lambda: "skips until" in text(browser, "#custom_stage .model_topic_emptied button"), "there is a button")
    demo.wait_until(lambda now: bool(now["custom_stage"]["counters"]["usage"]), "it has counted")
    browser.find_element(By.CSS_SELECTOR, "#custom_stage .model_topic_emptied button").click()
    emptied = r"model topic is empty, next model in \d+ s"
    eventually(lambda: re.fullmatch(emptied, text(browser, "#models")) is not None, "the page says so")
    cell = "#custom_stage .model_topic_emptied .kept"
    eventually(
        lambda: re.search(r"✓ skipped [\d,]+\s+so far", text(browser, cell)) is not None, "it skips, as promised"
    )
    assert text(browser, "#custom_stage .phase") == "no model: skips"
    demo.publish_model()
    eventually(lambda: re.search(r"✓ skipped [\d,]+\s+back in [\d.]+ s", text(browser, cell)) is not None, "it scores")
    eventually(lambda: re.fullmatch(r"next model in \d+ s", text(browser, "#models")) is not None, "there are models")


@pytest.mark.parametrize(("headers", "status"), [({}, 403), ({"X-Demo": "test", "Host": "evil.example"}, 400)])
def test_a_request_that_is_not_the_pages_own_kills_nothing(
    demo: AllServersDemo, headers: dict[str, str], status: int
) -> None:
    kills = {name: server["kills"] for name, server in demo.servers().items()}
    assert demo.post("servers/custom_stage/kill?circumstance=disk_wiped", **headers) == status
    assert {name: server["kills"] for name, server in demo.servers().items()} == kills


@needs_chromium
def test_the_page_shows_five_columns_and_asks_nobody_else(demo: AllServersDemo, browser: Chrome) -> None:
    eventually(lambda: len(browser.find_elements(By.CSS_SELECTOR, "main section")) == 5, "five columns")
    assert [each.text for each in browser.find_elements(By.CSS_SELECTOR, "h2")] == list(DEFAULT_PORTS)
    for name in DEFAULT_PORTS:
        eventually(lambda name=name: text(browser, f"#{name} .phase") == "serving", name)  # type: ignore[misc]
        assert re.search(r"-(onnx|pmml)$", text(browser, f"#{name} .name"))
        eventually(lambda name=name: re.fullmatch(RATE, text(browser, f"#{name} .rate")) is not None, "its rate")  # type: ignore[misc]
        assert re.fullmatch(r"[\d.]+ m?s / [\d.]+ m?s", text(browser, f"#{name} .latency"))
        assert re.fullmatch(r"[\d,]+ [\d,]+", " ".join(text(browser, f"#{name} .{it}") for it in ("usage", "skipped")))
        for circumstance, promised in SURVIVAL.items():
            model, counters = text(browser, f"#{name} .{circumstance}").split("\n\n")[:2]
            assert model == ("serves at once" if promised[name][0] else "skips until the next model")
            assert counters == ("counters exact" if promised[name][1] else "counters from zero")
    log = browser.get_log("performance")  # type: ignore[no-untyped-call]
    sent = [json.loads(entry["message"])["message"] for entry in log]
    asked = [it["params"]["request"]["url"] for it in sent if it["method"] == "Network.requestWillBeSent"]
    assert f"{demo.page}live-all" in asked
    assert [url for url in asked if not url.startswith((demo.page, "data:", "chrome"))] == []


@needs_chromium
def test_a_button_kills_its_server_and_the_page_shows_it_down_and_back(demo: AllServersDemo, browser: Chrome) -> None:
    demo.wait_until_all_serve()

    def kill() -> None:
        eventually(lambda: text(browser, "#streams_kvstore .phase") == "serving", "it serves")
        before = demo.pid("streams_kvstore")
        browser.find_element(By.CSS_SELECTOR, "#streams_kvstore button").click()
        eventually(lambda: text(browser, "#streams_kvstore .phase").startswith("down for"), "it is shown down")
        eventually(lambda: demo.pid("streams_kvstore") not in (before, 0), "there is another process")
        assert alive([before]) == set()

    demo.judged_after("streams_kvstore", kill)
    cell = "#streams_kvstore .killed .kept"
    expected = r"serves at once\s+counters exact\s+✓ skipped 0\s+back in [\d.]+ s"
    eventually(lambda: re.fullmatch(expected, text(browser, cell)) is not None, "the page says so")
    assert text(browser, "#streams_kvstore .phase") == "serving"


@pytest.fixture
def other_origin() -> Iterator[str]:
    """A page of another origin: the same address, another port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@needs_chromium
def test_a_page_of_another_origin_cannot_kill(demo: AllServersDemo, browser: Chrome, other_origin: str) -> None:
    kills = {name: server["kills"] for name, server in demo.servers().items()}
    browser.get(other_origin)
    script = """
        const [url, options, done] = arguments;
        fetch(url, options).then(answer => done(answer.type), error => done("refused"));
    """
    kill = f"{demo.page}servers/custom_stage/kill"
    # With the header the browser asks first whether it may, and hears no; without it the request arrives, in vain.
    assert browser.execute_async_script(script, kill, {"method": "POST", "headers": {"X-Demo": "kill"}}) == "refused"
    assert browser.execute_async_script(script, kill, {"method": "POST", "mode": "no-cors"}) == "opaque"
    assert {name: server["kills"] for name, server in demo.servers().items()} == kills
