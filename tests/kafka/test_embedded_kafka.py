import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from client.broker.data_directory import DataDirectory
from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.broker.watchdog import GRACE_S
from client.errors import BrokerDied, PortInUse
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.support.process import Process, brokers_in, eventually

BROKER = ("-m", "client.broker")


def topics_of(broker: EmbeddedKafka) -> set[str]:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    return set(admin.list_topics(timeout=10).topics)


def test_topics_are_kept_when_asked_for_and_a_stopped_broker_is_gone_and_not_mourned(tmp_path: Path) -> None:
    deaths: list[BrokerDied] = []
    with EmbeddedKafka(None, tmp_path, on_death=deaths.append) as first:
        created = set(create_topics(first.bootstrap_servers, Topics.prefixed("kept"), 1))
        assert len(brokers_in(tmp_path)) == 1
    assert brokers_in(tmp_path) == []
    assert deaths == []
    with EmbeddedKafka(None, tmp_path, keep=True) as second:
        assert created <= topics_of(second)


def test_the_broker_is_gone_soon_after_the_provider_is_killed(tmp_path: Path) -> None:
    words = ("-m", "client.provider", "--port", str(free_port()), "--data-dir", str(tmp_path / "data"))
    with Process(tmp_path / "log", *words) as provider:
        provider.wait_until_said("model published")
        (pid,) = brokers_in(tmp_path / "data")
        provider.process.kill()
        eventually(lambda: brokers_in(tmp_path / "data") == [], f"process {pid} gone", GRACE_S + 5.0)


def test_a_second_broker_on_the_same_directory_or_port_is_one_line(broker: EmbeddedKafka, tmp_path: Path) -> None:
    same_directory = ("--data-dir", str(broker.data_dir), "--port", str(free_port()))
    with Process(tmp_path / "log", *BROKER, *same_directory) as second:
        assert second.wait() == 1
        assert len(second.said.splitlines()) == 1
        assert f"a broker is already running on {broker.data_dir}" in second.said
        assert "choose another --data-dir and --port" in second.said
    with Process(tmp_path / "log", *BROKER, "--data-dir", str(tmp_path / "d"), "--port", str(broker.port)) as second:
        assert second.wait() == 1
        assert len(second.said.splitlines()) == 1
        assert f"port {broker.port} is in use" in second.said
        assert f"--bootstrap-servers localhost:{broker.port}" in second.said
    assert topics_of(broker) is not None  # the first one has not suffered


def test_a_broker_that_dies_at_its_start_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):
        (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    with pytest.raises(BrokerDied, match=r"exit code 1.*broker\.log.*start again") as died:
        EmbeddedKafka(None, tmp_path, keep=True).start()
    assert any("Stored node id 7 doesn't match" in line for line in str(died.value).splitlines()[1:])
    assert brokers_in(tmp_path) == []


def test_a_port_in_use_is_found_before_anything_is_wiped(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):
        (tmp_path / "data").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortInUse):
        EmbeddedKafka(other.getsockname()[1], tmp_path).start()
    assert (tmp_path / "data").exists()


def test_a_broker_that_dies_while_it_runs_is_noticed(tmp_path: Path) -> None:
    noticed = threading.Event()
    with EmbeddedKafka(None, tmp_path, on_death=lambda _: noticed.set()) as embedded:
        (pid,) = brokers_in(tmp_path)
        os.kill(pid, signal.SIGKILL)
        assert noticed.wait(10)
        with pytest.raises(BrokerDied, match="killed by signal 9"):
            embedded.wait()


def test_the_broker_alone_stops_on_a_signal_with_exit_code_0(tmp_path: Path) -> None:
    with Process(tmp_path / "log", *BROKER, "--data-dir", str(tmp_path / "d"), "--port", str(free_port())) as alone:
        alone.wait_until_said("Kafka listens on 127.0.0.1")
        assert alone.stop(signal.SIGINT) == 0
        assert re.fullmatch(r"Kafka listens on 127\.0\.0\.1:\d+; Ctrl-C stops it\n", alone.said)
    assert brokers_in(tmp_path / "d") == []
