"""The picture of ``make demo-all`` in the README, taken with Chromium of a running demo: ``make screenshot``."""

import hashlib
import http.client
import json
import os
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Collection
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from client.broker.plan import HOST
from client.demo.children import Child, environment_of_children
from client.demo.circumstances import Circumstance
from client.demo.errors import NoChromium, NotPhotographed
from client.http_get import http_get
from client.terminal.command import command
from serving.settings.command_line import CommandLine

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
GRACE_S = 10.0
READY_S = 300.0
LOOK_S = 0.5
COUNTED = 60  # scores before a kill, else there is nothing to lose
LOADING_MS = 3000  # of the page's own time, in which it asks the demo a few times
MODEL_INTERVAL_S = 90  # streams_inmemory serves from the second model on; no third one comes before the picture
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = len(SIGNATURE) + 25
KEYWORD = b"Source\0page.html sha256 "


class ScreenshotSettings(CommandLine, env_prefix="SCREENSHOT_"):
    """Takes the picture of all five servers, some of them killed. Flags win over variables."""

    output: Path = Field(Path("docs/demo-all.png"), description="where the picture goes")
    port: int = Field(9192, ge=1, le=65535, description="port of the demo's broker")
    http_port: int = Field(5600, ge=1, le=65530, description="port of the demo's page; the servers' own follow it")
    width: int = Field(1024, ge=1024, description="of the window, in pixels")
    height: int = Field(720, ge=600, description="of the window, in pixels")


class Scene:
    """The demo, seen and used as its page does."""

    def __init__(self, port: int, demo: Child) -> None:
        """The demo has been started."""
        self._port = port
        self._demo = demo

    def wait_until(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until this holds for the servers' columns, by name."""

        def asked() -> bool:
            time.sleep(LOOK_S)
            answer = http_get(HOST, self._port, "/live-all")
            return answer is not None and holds({each["name"]: each for each in json.loads(answer)["servers"]})

        self._demo.wait_until(asked, READY_S, lambda: False)

    def kill(self, circumstance: Circumstance, names: Collection[str]) -> None:
        """Press these servers' buttons, and wait until each has shown what survived."""
        self.wait_until(lambda servers: all(servers[name]["counters"]["usage"] >= COUNTED for name in names))
        for name in names:
            connection = http.client.HTTPConnection(HOST, self._port, timeout=READY_S)
            path = f"/servers/{name}/kill?circumstance={circumstance}"
            connection.request("POST", path, headers={"X-Demo": "screenshot"})
            connection.getresponse().read()
            connection.close()

        def is_judged(servers: dict[str, Any]) -> bool:
            recoveries = [servers[name]["recoveries"][circumstance] for name in names]
            return all(None not in (each["model_kept"], each["counters_kept"]) for each in recoveries)

        self.wait_until(is_judged)


def take(settings: ScreenshotSettings, directory: Path) -> bytes:
    """Start the demo, press some of its buttons, and take the picture.

    Raises:
        NoChromium: there is none on the PATH.
        NotPhotographed: Chromium took no picture.
        ChildEnded, ChildNotReady: the demo did not do what it should.
    """
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        raise NoChromium(CHROMIUMS)
    command = [
        sys.executable,
        "-m",
        "client.demo.all",
        f"--port={settings.port}",
        f"--http-port={settings.http_port}",
        f"--data-dir={directory / 'demo'}",
        f"--model-interval={MODEL_INTERVAL_S}",
    ]
    demo = Child("demo", command, directory / "demo.log", GRACE_S)
    demo.start(environment_of_children())
    try:
        scene = Scene(settings.http_port, demo)
        scene.wait_until(lambda servers: all(each["phase"] == "serving" for each in servers.values()))
        scene.kill("killed", ["custom_stage", "actors_persistent"])
        scene.kill("disk_wiped", ["actors_persistent", "streams_kvstore"])
        scene.kill("model_topic_emptied", ["custom_stage", "streams_customstore"])
        return _photograph(chromium, settings, directory)
    finally:
        demo.stop()


def _photograph(chromium: str, settings: ScreenshotSettings, directory: Path) -> bytes:
    picture = directory / "page.png"
    flags = [
        "--headless",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={directory / 'profile'}",
        f"--window-size={settings.width},{settings.height}",
        f"--virtual-time-budget={LOADING_MS}",
        f"--screenshot={picture}",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium's sandbox refuses root
    done = subprocess.run(
        [chromium, *flags, f"http://{HOST}:{settings.http_port}/"],
        capture_output=True,
        text=True,
        timeout=READY_S,
        check=False,
    )
    if not picture.exists():
        raise NotPhotographed(done.stderr.splitlines()[-5:])
    return picture.read_bytes()


def page_sha256() -> str:
    """Of the page as it is now."""
    return hashlib.sha256(resources.files("client.demo.all").joinpath("page.html").read_bytes()).hexdigest()


def with_source(picture: bytes) -> bytes:
    """The picture, and in it of which page it was taken: a text chunk behind its header."""
    text = b"tEXt" + KEYWORD + page_sha256().encode()
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return picture[:HEADER_END] + chunk + picture[HEADER_END:]


@command()
def main() -> None:
    """Take the picture; exit code 1 after a line that names the error and its remedy."""
    settings = ScreenshotSettings.read("python -m client.demo.all.screenshot")
    with TemporaryDirectory() as directory:
        picture = with_source(take(settings, Path(directory)))
        settings.output.write_bytes(picture)
        print(f"written: {settings.output}, {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
