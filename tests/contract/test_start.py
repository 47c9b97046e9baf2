"""What a server says when it cannot start: one line, with the remedy."""

import socket
import subprocess
import sys

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.support.process import DEADLINE_S, ROOT


def refused(variant: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"{variant}.server", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


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


def test_an_unknown_flag_or_a_bad_value(variant: str) -> None:
    assert "--nope" in the_line(refused(variant, "--nope"), 2)
    assert "--max-batch" in the_line(refused(variant, "--max-batch", "0"), 2)


def test_scores_that_could_not_go_to_their_records_partitions(variant: str, broker: EmbeddedKafka) -> None:
    narrow = Topics.prefixed(f"narrow-{variant}")
    create_topics(broker.bootstrap_servers, narrow, 1)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_partitions([NewPartitions(narrow.data, 3)])[narrow.data].result()
    flags = ["--bootstrap-servers", broker.bootstrap_servers, "--port", str(free_port())]
    line = the_line(refused(variant, *flags, "--topic-prefix", f"narrow-{variant}"), 1)
    assert f"{narrow.scores} has 1 partitions and {narrow.data} has 3" in line
    assert "kafka-topics.sh --alter" in line
