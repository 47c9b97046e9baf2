"""What a server says when it cannot start: one line, with the remedy."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from client.embedded_kafka import EmbeddedKafka
from client.ports import free_port
from client.topic_creation import create_topics
from serving.topics import Topics
from tests.contract.conftest import Start
from tests.process import ROOT
from tests.stream import Stream


def refused(variant: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"{variant}.server", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def the_line(ended: subprocess.CompletedProcess[str], exit_code: int) -> str:
    assert ended.returncode == exit_code, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_a_missing_topic(variant: str, broker: EmbeddedKafka) -> None:
    flags = ["--bootstrap-servers", broker.bootstrap_servers, "--port", str(free_port()), "--broker-timeout-s", "1"]
    line = the_line(refused(variant, *flags, "--topic-prefix", "nowhere"), 1)
    assert "topic nowhere_data does not exist" in line
    assert "python -m client.provider" in line


def test_no_broker(variant: str) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    flags = ["--bootstrap-servers", nowhere, "--port", str(free_port()), "--broker-timeout-s", "1"]
    line = the_line(refused(variant, *flags), 1)
    assert nowhere in line
    assert "python -m client.provider" in line


def test_a_port_in_use(variant: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = the_line(refused(variant, "--port", str(port)), 1)
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("flags", "said"),
    [(["--nope"], "--nope"), (["--port", "many"], "'many'"), (["--max-batch", "0"], "--max-batch"), (["x"], "x")],
)
def test_an_unknown_flag_or_a_bad_value(variant: str, flags: list[str], said: str) -> None:
    assert said in the_line(refused(variant, *flags), 2)


def test_scores_that_could_not_go_to_their_records_partitions(variant: str, broker: EmbeddedKafka) -> None:
    narrow = Topics.prefixed(f"narrow-{variant}")
    create_topics(broker.bootstrap_servers, narrow, 1)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_partitions([NewPartitions(narrow.data, 3)])[narrow.data].result()
    flags = ["--bootstrap-servers", broker.bootstrap_servers, "--port", str(free_port())]
    line = the_line(refused(variant, *flags, "--topic-prefix", f"narrow-{variant}"), 1)
    assert f"{narrow.scores} has 1 partitions and {narrow.data} has 3" in line
    assert "kafka-topics.sh --alter" in line


def test_a_server_started_before_its_broker_waits_for_it(start: Start, tmp_path: Path) -> None:
    port = free_port()
    stream = Stream(f"127.0.0.1:{port}", Topics.prefixed("models"))
    server = start(on=stream)
    server.wait_until_said("Waiting up to 30 s")
    with EmbeddedKafka(port=port, data_dir=tmp_path / "kafka") as kafka:
        create_topics(kafka.bootstrap_servers, stream.topics, 3)
        server.wait_until_ready()
        assert server.stop() == 0


def test_a_broker_that_comes_back_as_another_cluster_ends_the_server_and_the_next_one_is_ready(
    start: Start, tmp_path: Path
) -> None:
    with EmbeddedKafka(port=None, data_dir=tmp_path / "first") as kafka:
        stream = Stream(kafka.bootstrap_servers, Topics.prefixed("models"))
        create_topics(kafka.bootstrap_servers, stream.topics, 3)
        server = start(on=stream).wait_until_ready()
    with EmbeddedKafka(port=kafka.port, data_dir=tmp_path / "second"):
        create_topics(kafka.bootstrap_servers, stream.topics, 3)
        assert server.wait() == 1
        (line,) = server.errors
        assert "another Kafka cluster" in line
        start(on=stream).wait_until_ready()
