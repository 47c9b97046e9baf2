"""The live page of a real server process, in a real headless Chromium."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from client.broker.embedded_kafka import EmbeddedKafka
from serving.settings.topics import Topics
from tests.support.browser import chromium, needs_chromium
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model, wine

NOTHING = "\N{EN DASH}"

pytestmark = needs_chromium


class LivePage:
    """A server's page, open in a browser."""

    def __init__(self, browser: Chrome, server: ServerProcess, stream: Stream) -> None:
        self.server = server
        self.stream = stream
        self._browser = browser
        self.origin = f"http://127.0.0.1:{server.port}"
        browser.get(f"{self.origin}/")

    def text(self, element_id: str) -> str:
        """What a reader sees of an element."""
        return self._browser.find_element(By.ID, element_id).text

    def titles(self, selector: str) -> list[str]:
        """The tool tips of all elements that match, of one moment: the page replaces its elements all the time."""
        script = "return [...document.querySelectorAll(arguments[0])].map(each => each.title)"
        titles: list[str] = self._browser.execute_script(script, selector)
        return titles

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """The page shows what it should."""
        WebDriverWait(self._browser, DEADLINE_S, poll_frequency=0.05).until(lambda _: holds())

    def count(self, selector: str) -> int:
        """How many elements match."""
        return len(self._browser.find_elements(By.CSS_SELECTOR, selector))

    def run(self, script: str) -> object:
        """What a script on the page returns."""
        answer: object = self._browser.execute_script(script)
        return answer

    def requested(self) -> list[str]:
        """Every address that this page has asked for anything."""
        messages = [json.loads(entry["message"])["message"] for entry in self._browser.get_log("performance")]  # type: ignore[no-untyped-call]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [it["request"]["url"] for it in sent if it["documentURL"].startswith(self.origin)]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """A browser without a past."""
    with chromium(tmp_path / "browser") as browser:
        yield browser


@pytest.fixture
def page(browser: Chrome, broker: EmbeddedKafka, topics: Topics, tmp_path: Path) -> Iterator[LivePage]:
    """The page of a server that is ready and has no model."""
    stream = Stream(broker.bootstrap_servers, topics)
    log = tmp_path / "server.log"
    with ServerProcess("custom_stage", broker.bootstrap_servers, stream.prefix, log) as server:
        yield LivePage(browser, server.wait_until_ready(), stream)


def test_without_a_model_the_page_says_that_records_are_skipped(page: LivePage) -> None:
    page.stream.publish_wines(["a", "b", "c"])
    page.wait_until(lambda: "until one arrives: 3 so far" in page.text("models"))
    assert "No model yet" in page.text("models")
    assert (page.text("rate"), page.text("p50"), page.text("p99")) == (NOTHING, NOTHING, NOTHING)
    assert page.text("scores") == ""


def test_the_page_shows_scores_and_the_swap_as_they_happen(page: LivePage) -> None:
    page.stream.publish_model(model("once", data=times_alcohol(0.5)))
    page.wait_until(lambda: page.text("models").startswith("once\nONNX wine"))
    page.stream.publish_wines([f"before-{number}" for number in range(3)], wine(alcohol=11.0))
    page.wait_until(lambda: page.text("scores").count("5.50\nbefore-") == 3)
    assert "5.5 to 6: 3" in page.titles("#bars div")
    assert page.text("swaps") == "None yet"
    page.stream.publish_model(model("twice", data=times_alcohol(0.25)))
    page.wait_until(lambda: page.text("models").startswith("twice\nONNX wine"))
    page.stream.publish_wines(["after"], wine(alcohol=12.0))
    page.wait_until(lambda: page.text("swaps").startswith("once\n→\ntwice\n"))
    assert page.text("scores").startswith("3.00\nafter\n")
    assert page.text("totals") == "4 scored · 0 dead letters"
    assert [re.fullmatch(r"[\d.]+\n?m?s", page.text(each)) is not None for each in ("p50", "p99")] == [True, True]


def test_names_that_are_markup_are_shown_as_text_and_nothing_leaves_the_page(page: LivePage) -> None:
    evil = '<img src=http://127.0.0.1:9/x onerror="window.harmed = true"><script>window.harmed = true</script>'
    data_type = "<b>wine</b>"
    for name in ("innocent", evil):
        page.stream.publish_model(model(name, data=times_alcohol(0.5), data_type=data_type))
        page.wait_until(lambda name=name: name in page.text("models"))  # type: ignore[misc]
        page.stream.publish_wines([evil], wine(data_type, alcohol=11.0))
        page.wait_until(lambda name=name: name in page.titles("#scores .swatch"))  # type: ignore[misc]
    assert evil in page.text("scores")
    assert evil in page.titles("#swaps .swatch")
    assert data_type in page.text("states")
    assert page.count("img, main script, main b b") == 0
    assert page.run("return window.harmed ?? null") is None
    requested = page.requested()
    assert f"{page.origin}/live" in requested
    assert [address for address in requested if not address.startswith((f"{page.origin}/", "data:"))] == []


def test_the_page_says_when_the_server_is_gone_and_recovers_when_it_is_back(page: LivePage) -> None:
    page.wait_until(lambda: "No model yet" in page.text("models"))
    page.server.process.send_signal(signal.SIGSTOP)
    try:
        page.wait_until(lambda: page.text("notice") == f"The server is gone {NOTHING} reconnecting …")
    finally:
        page.server.process.send_signal(signal.SIGCONT)
    page.wait_until(lambda: page.text("notice") == "")
    assert page.server.process.poll() is None, "it was the page that recovered, not another server"
