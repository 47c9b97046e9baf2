import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from client.broker.jars import KAFKA, jars_directory, kafka_jars, locked_jars, resolved_coordinates
from client.broker.ports import free_port
from client.errors import CacheUnusable, DownloadBrokenOff
from model.maven_jars import Jar

CONTENT = {"first": b"one jar " * 10_000, "second": b"another jar " * 10_000}


class Repository(ThreadingHTTPServer):
    """A Maven repository on this machine, with a line that can break."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.sent_bytes: dict[str, int] = {}  # artifact -> how much of it is sent before the line breaks
        self.damaged: set[str] = set()
        self.requests: list[str] = []
        self.held: str | None = None  # an artifact that is sent when it is asked for twice, or after a second
        self.asked_twice = threading.Event()

    @property
    def named(self) -> Mapping[str, str]:
        return {"central": f"http://127.0.0.1:{self.server_port}"}


class Answer(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        artifact = self.path.split("/")[-3]
        if artifact not in CONTENT or not self.path.endswith(".jar"):
            self.send_error(404)
            return
        self.server.requests.append(artifact)
        if artifact == self.server.held:
            if self.server.requests.count(artifact) == 2:
                self.server.asked_twice.set()
            self.server.asked_twice.wait(1.0)
        content = CONTENT[artifact]
        if artifact in self.server.damaged:
            content = content[:-1] + b"?"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.sent_bytes.get(artifact)])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Silent."""


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def jar(artifact: str) -> Jar:
    content = CONTENT.get(artifact, b"")
    return Jar(f"org.example:{artifact}:1.0", len(content), hashlib.sha256(content).hexdigest())


JARS = [jar("first"), jar("second")]


def test_jars_are_fetched_once_and_then_need_no_network(repository: Repository, tmp_path: Path) -> None:
    paths = kafka_jars(tmp_path, JARS, repository.named)
    assert [path.read_bytes() for path in paths] == [CONTENT["first"], CONTENT["second"]]
    nobody = {"central": f"http://127.0.0.1:{free_port()}"}
    assert kafka_jars(tmp_path, JARS, nobody) == paths
    assert repository.requests == ["first", "second"]


def test_a_download_that_breaks_off_is_one_line_and_the_next_run_completes_it(
    repository: Repository, tmp_path: Path
) -> None:
    repository.sent_bytes["second"] = 500
    with pytest.raises(DownloadBrokenOff, match="check the network, then start again - it continues where") as broken:
        kafka_jars(tmp_path, JARS, repository.named)
    assert "\n" not in str(broken.value)
    del repository.sent_bytes["second"]
    assert [path.read_bytes() for path in kafka_jars(tmp_path, JARS, repository.named)] == list(CONTENT.values())
    assert repository.requests == ["first", "second", "second"]


def test_a_jar_cut_off_in_the_cache_is_not_taken_for_complete(repository: Repository, tmp_path: Path) -> None:
    paths = kafka_jars(tmp_path, JARS, repository.named)
    paths[0].write_bytes(CONTENT["first"][:100])
    assert kafka_jars(tmp_path, JARS, repository.named)[0].read_bytes() == CONTENT["first"]


def test_what_a_killed_download_left_behind_is_not_taken_for_complete(repository: Repository, tmp_path: Path) -> None:
    left = tmp_path / ".staging" / "org" / "example" / "first" / "1.0" / "first-1.0.jar"
    left.parent.mkdir(parents=True)
    left.write_bytes(CONTENT["first"][:100])
    assert kafka_jars(tmp_path, JARS, repository.named)[0].read_bytes() == CONTENT["first"]
    assert not (tmp_path / ".staging").exists()


def test_a_jar_that_arrives_damaged_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.damaged.add("first")
    with pytest.raises(DownloadBrokenOff, match=r"first-1\.0\.jar arrived damaged"):
        kafka_jars(tmp_path, JARS, repository.named)
    assert not (tmp_path / "first-1.0.jar").exists()


def test_a_jar_that_is_not_there_is_one_line(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(DownloadBrokenOff, match="not found"):
        kafka_jars(tmp_path, [jar("third")], repository.named)


def test_no_network_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DownloadBrokenOff, match="Connection refused") as broken:
        kafka_jars(tmp_path, JARS, {"central": f"http://127.0.0.1:{free_port()}"})
    assert "\n" not in str(broken.value)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheUnusable, match=r"\(Not a directory\): name another place in KAFKA_JARS_DIR"):
        kafka_jars(tmp_path / "file" / "jars", JARS, {})


def test_two_processes_at_once_fetch_each_jar_once(repository: Repository, tmp_path: Path) -> None:
    repository.held = "first"
    program = (
        "import pathlib, sys; from client.broker.jars import Jar, kafka_jars\n"
        f"kafka_jars(pathlib.Path(sys.argv[1]), {JARS!r}, {dict(repository.named)!r})\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]
    assert sorted(repository.requests) == ["first", "second"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KAFKA_JARS_DIR": "/there", "XDG_CACHE_HOME": "/xdg"}, Path("/there")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/model-serving-on-streams/kafka")),
    ],
)
def test_the_cache_is_where_the_environment_says(
    environment: dict[str, str], expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_JARS_DIR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert jars_directory() == expected


@pytest.mark.parametrize(("platform", "caches"), [("linux", ".cache"), ("darwin", "Library/Caches")])
def test_the_cache_of_earlier_versions_goes_on_being_used(platform: str, caches: str, tmp_path: Path) -> None:
    program = (
        "import importlib, platformdirs, sys; from client.broker.jars import jars_directory\n"
        f"sys.platform = {platform!r}; importlib.reload(platformdirs); print(jars_directory())"
    )
    environment = {
        name: value for name, value in os.environ.items() if name not in ("KAFKA_JARS_DIR", "XDG_CACHE_HOME")
    }
    child = subprocess.run(
        [sys.executable, "-c", program], env={**environment, "HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert child.stdout == f"{tmp_path}/{caches}/model-serving-on-streams/kafka\n"


def test_the_lock_file_lists_what_kafka_needs() -> None:
    poms = jars_directory() / "poms"
    try:
        resolved = resolved_coordinates(poms)
    except BaseException:
        shutil.rmtree(poms, ignore_errors=True)  # jgo would take a file cut off here for a whole one
        raise
    assert [locked.coordinate for locked in locked_jars()] == resolved
    assert resolved[0] == KAFKA
