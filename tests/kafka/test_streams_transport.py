"""Our transport for faust, held against the stock one: each test shows that the stock one has the hole."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from client.broker.embedded_kafka import EmbeddedKafka
from tests.support.process import Process

FIRST, BACKLOG = 200, 3000


def made_topic(broker: EmbeddedKafka) -> str:
    topic = f"transport-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    return topic


def publish(broker: EmbeddedKafka, topic: str, numbers: range) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for number in numbers:
        producer.produce(topic, b"%d" % number, b"%d" % number)
    assert producer.flush(30) == 0


def app(broker: EmbeddedKafka, scheme: str, topic: str, log: Path, what: str = "process") -> Process:
    group, directory = f"g-{topic}", str(log.parent / "state")
    return Process(
        log, "-m", "tests.kafka.streams_app", scheme, broker.bootstrap_servers, topic, group, directory, what
    )


def processed(process: Process) -> set[int]:
    return {int(offset) for offset in re.findall(r"^processed \d+ (\d+)\n", process.said, re.MULTILINE)}


@pytest.mark.parametrize(("scheme", "loses"), [("kafka", True), ("lossless", False)])
def test_recovery_under_a_backlog_loses_records_with_the_stock_transport_and_none_with_ours(
    broker: EmbeddedKafka, tmp_path: Path, scheme: str, loses: bool
) -> None:
    topic = made_topic(broker)
    publish(broker, topic, range(FIRST))
    with app(broker, scheme, topic, tmp_path / "first.log") as first:
        first.wait_until(lambda: len(processed(first)) == FIRST, "the first life processed all there was")
        first.kill()
    publish(broker, topic, range(FIRST, FIRST + BACKLOG))
    with app(broker, scheme, topic, tmp_path / "second.log") as second:
        second.wait_until_said("restored")
        publish(broker, topic, range(FIRST + BACKLOG, FIRST + BACKLOG + 1))
        second.wait_until(lambda: FIRST + BACKLOG in processed(second), "the second life is behind its backlog")
        missing = set(range(FIRST, FIRST + BACKLOG)) - processed(second)
    assert bool(missing) == loses, f"{len(missing)} records were never processed, from {min(missing, default=None)} on"


@pytest.mark.parametrize(("scheme", "crashes"), [("kafka", True), ("lossless", False)])
def test_a_commit_of_revoked_partitions_crashes_the_stock_transport_and_not_ours(
    broker: EmbeddedKafka, tmp_path: Path, scheme: str, crashes: bool
) -> None:
    topic = made_topic(broker)
    with app(broker, scheme, topic, tmp_path / "app.log", "commit revoked") as process:
        process.wait_until_said("committed")
        publish(broker, topic, range(10))
        if crashes:
            process.wait_until_said("crashed")
        else:
            process.wait_until(lambda: processed(process) == set(range(10)), "it processes what comes after")
            assert "crashed" not in process.said
