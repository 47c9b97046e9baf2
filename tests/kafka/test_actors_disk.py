"""actors_persistent and its disk: it hangs, or its file is damaged by the time of the next start."""

import re
import signal
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    NewTopic,
)

from client.broker.embedded_kafka import EmbeddedKafka
from serving.settings.topics import Topics
from tests.contract.accounts import settled
from tests.contract.conftest import put_in_force
from tests.support.process import DEADLINE_S, ROOT
from tests.support.server_process import ServerProcess
from tests.support.sqlite_program import typed
from tests.support.stream import Stream

README = (ROOT / "actors_persistent" / "README.md").read_text("utf-8")
AT_ONCE_S = 2.0  # on a loaded machine; a query that waited for the disk would take as long as the test holds it
END_S = 10.0


class Scene:
    """A server, one life after the other, and its file."""

    def __init__(self, stream: Stream, directory: Path) -> None:
        self.stream = stream
        self.directory = directory
        self.lives = 0

    def started(self) -> ServerProcess:
        self.lives += 1
        log = self.directory / f"{self.lives}.log"
        stream = self.stream
        return ServerProcess(
            "actors_persistent", stream.bootstrap_servers, stream.prefix, log, data_dir=self.directory / "state"
        )

    @property
    def file(self) -> Path:
        (file,) = (self.directory / "state").rglob("journal.sqlite3")
        return file

    @contextmanager
    def disk_hangs(self) -> Iterator[None]:
        """Nothing can be written: another program holds the file's lock."""
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()


@pytest.fixture
def scene(broker: EmbeddedKafka, topics: Topics, tmp_path: Path) -> Scene:
    return Scene(Stream(broker.bootstrap_servers, topics), tmp_path)


def answers_at_once(server: ServerProcess) -> None:
    for path in ("/live", "/models", "/state/wine", "/metrics", "/"):
        began_s = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=AT_ONCE_S) as answer:
            assert answer.status == 200
            answer.read()
        assert time.monotonic() - began_s < AT_ONCE_S


def ends_in_time(server: ServerProcess, exit_code: int) -> None:
    began_s = time.monotonic()
    assert server.wait(3 * END_S) == exit_code
    assert time.monotonic() - began_s < END_S


@pytest.mark.thorough
def test_while_the_disk_hangs_queries_are_answered_it_is_not_ready_and_a_stop_takes_no_longer_than_ever(
    scene: Scene,
) -> None:
    stream = scene.stream
    with scene.started().wait_until_ready() as server:
        put_in_force(server, stream, 1.0)
        stream.publish_wines(["before"])
        settled(stream, server)
        with scene.disk_hangs():
            stream.publish_wines(["hanging"])
            server.wait_until(lambda: server.get("/healthz")[0] == 503, "it was not ready")
            assert "the disk, has not answered" in server.get("/healthz")[1]["reason"]
            answers_at_once(server)
            assert server.state()["usage"] == 1
        server.wait_until_ready()
        stream.scores_of(["hanging"])
        settled(stream, server)
        assert server.state()["usage"] == 2
        with scene.disk_hangs():
            stream.publish_wines(["hanging at the end"])
            server.wait_until(lambda: server.get("/healthz")[0] == 503, "it was not ready")
            server.process.send_signal(signal.SIGTERM)
            ends_in_time(server, 0)
    with scene.started().wait_until_ready() as server:
        stream.scores_of(["hanging at the end"])
        settled(stream, server)
        assert server.state()["usage"] == 3


def test_an_error_while_an_actor_hangs_ends_the_server_in_time_with_its_line_and_its_code(scene: Scene) -> None:
    stream = scene.stream
    with scene.started().wait_until_ready() as server:
        put_in_force(server, stream, 1.0)
        with scene.disk_hangs():
            stream.publish_wines(["hanging"])
            server.wait_until(lambda: server.get("/healthz")[0] == 503, "it was not ready")
            admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
            admin.delete_topics([stream.topics.data])[stream.topics.data].result(DEADLINE_S)
            admin.create_topics([NewTopic(stream.topics.data, 5)])[stream.topics.data].result(DEADLINE_S)
            server.wait_until(lambda: server.get("/healthz")[0] == 0, "it was leaving")
            ends_in_time(server, 1)
        (line,) = server.errors
        assert "created again with 5 partitions" in line


def test_what_a_killed_server_left_is_exact_and_damage_to_it_is_one_line_and_no_fresh_start(scene: Scene) -> None:
    stream = scene.stream
    with scene.started().wait_until_ready() as server:
        put_in_force(server, stream, 1.0)
        stream.publish_wines([f"id-{number}" for number in range(30)])
        settled(stream, server)
        server.kill()
    log = scene.file.with_name("journal.sqlite3-wal")
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) // 2])
    with scene.started() as server:
        assert server.wait() == 1
        (line,) = server.errors
        assert line.startswith(f"error: {log} is damaged (")
    log.write_bytes(whole)
    file = scene.file.read_bytes()
    scene.file.write_bytes(b"")
    with scene.started() as server:
        assert server.wait() == 1
        (line,) = server.errors
        assert line.startswith(f"error: {scene.file} is damaged (")
    scene.file.write_bytes(file)
    with scene.started().wait_until_ready() as server:
        assert server.state()["usage"] == 30


def test_the_file_can_be_looked_into_while_the_server_runs_as_the_readme_says(scene: Scene, tmp_path: Path) -> None:
    ((command, expected),) = re.findall(r"```bash\n(sqlite3 .*)\n```\n\n```text\n(.*)\n```", README)
    stream = scene.stream
    with scene.started().wait_until_ready() as server:
        put_in_force(server, stream, 1.0)
        stream.publish_wines(["one"], partition=0)
        settled(stream, server)
        state = ".state/actors_persistent/5500"
        assert state in command
        said = typed(command.replace(state, str(scene.directory / "state")), tmp_path)
        line = re.escape(expected).replace("…", ".*")
        assert re.search(line, said), said
        stream.publish_wines(["two"])
        settled(stream, server)
        assert server.state()["usage"] == 2
