"""The page of all servers in a real Chromium, at its fullest: it fills the window, and nothing overflows."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from client.demo.all.columns import Column, Counters, Phase, Recovery
from client.demo.all.models import Models
from client.demo.all.page import application
from client.demo.circumstances import Circumstance
from client.demo.settings import DEFAULT_PORTS
from serving.engine import Guarantees, Survives
from serving.web.server import HttpServer, listen
from tests.support.browser import chromium, needs_chromium
from tests.support.process import eventually

NOTHING = Survives(killed=False, disk_wiped=False, model_topic_emptied=False)
SKIPS = Guarantees(("at-least-once",), NOTHING, NOTHING, ("/state",))  # the promise with the most words
LONG = "a model of somebody who gives his models long names, for the workshop of 2026-11-26"
SINCE_MS = round((time.time() - 99 * 3600) * 1000)
PHASES: tuple[Phase, ...] = get_args(Phase)


class Fullest:
    """Stands where a server and its models topic do: every text as long as it gets."""

    def __init__(self, number: int, name: str) -> None:
        self.name = name
        lost = Recovery(99.0, 123.4, 123_456, model_kept=False, counters_kept=False)
        skips = Recovery(99.0, None, 123_456, model_kept=False, counters_kept=True)
        undecided = Recovery(99.0, undecided="a new model was faster")
        names: tuple[Circumstance, ...] = get_args(Circumstance)
        self._column = Column(
            number=number,
            name=name,
            url="http://127.0.0.1:5501/",
            phase=PHASES[number],
            phase_s=123.4,
            counters=Counters(
                LONG if number % 2 else "network-tensorflow", "TENSORFLOW", SINCE_MS, 123_456_789, 123_456, 1_234
            ),
            records_per_s=123_456.7,
            p50_ms=12_345.6,
            p99_ms=123_456.7,
            per_second=tuple(range(60)),
            guarantees=SKIPS,
            kills=3,
            recoveries=dict(zip(names, (lost, skips, undecided) if number % 2 else (lost, lost, lost), strict=True)),
            last_kill="killed",
            last_words="error: something that takes two lines, and names its remedy"
            if PHASES[number] == "ended"
            else "",
        )

    def column(self) -> Column:
        return self._column

    def models(self) -> Models:
        return Models(empty=True, next_in_s=86_400)


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """Its address."""
    servers = [Fullest(number, name) for number, name in enumerate(DEFAULT_PORTS, 1)]
    app = application(servers, servers[0], lambda: 86_400.0)  # type: ignore[arg-type]  # all that the page calls
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        with listen("127.0.0.1", 0) as listening:
            serving.append(f"http://127.0.0.1:{listening.getsockname()[1]}/")
            ready.set()
            await HttpServer(app).serve_until_cancelled(listening)

    serving: list[str] = []
    task = loop.create_task(serve())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield serving[0]
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


@pytest.fixture(scope="module")
def browser(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The page, open."""
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        browser.get(page)
        yield browser


@needs_chromium
@pytest.mark.parametrize("size", [(1024, 768), (1280, 800), (1366, 768), (1440, 900), (1920, 1080), (2560, 1440)])
def test_the_page_at_its_fullest_fills_the_window_and_nothing_overflows(
    browser: Chrome, size: tuple[int, int], tmp_path: Path
) -> None:
    width, height = size
    window = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    eventually(lambda: len(browser.find_elements(By.CSS_SELECTOR, "button .seen")) >= 15, "all cells are full")
    browser.save_screenshot(str(tmp_path / "page.png"))
    script = """
        // A model's name comes from anybody; it and two lines in quiet colours are cut off with an ellipsis.
        const page = document.documentElement, all = [...document.querySelectorAll("body *")];
        const buttons = [...document.querySelectorAll("button")], cut = ".name, .facts, header .line";
        const boxes = all.filter(each => each.clientWidth && !each.matches(cut));
        const wider = boxes.filter(each => each.scrollWidth > each.clientWidth + 1);
        const higher = buttons.filter(each => each.scrollHeight > each.clientHeight + 1);
        const bottom = document.querySelector("main").getBoundingClientRect().bottom;
        return [page.scrollWidth, page.scrollHeight, bottom, [...wider, ...higher].map(each => each.outerHTML)];
    """
    shown_width, shown_height, bottom, overflowing = browser.execute_script(script)
    assert overflowing == []
    assert (shown_width, shown_height) == (width, height), "nothing is to be scrolled"
    assert bottom > 0.95 * height, "no part of the window is empty"
