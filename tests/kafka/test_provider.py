import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, Message, TopicPartition

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.provider.publisher import Publisher
from client.provider.shipped_models import MODELS
from model.features import WINE
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.settings.topics import MAX_MESSAGE_BYTES, Topics
from tests.support.process import Process, brokers_in, eventually
from tests.support.stream import headers

PROVIDER = ("-m", "client.provider")


def on(broker: EmbeddedKafka, topics: Topics) -> tuple[str, ...]:
    prefix = topics.data.removesuffix("_data")
    return (*PROVIDER, "--bootstrap-servers", broker.bootstrap_servers, "--topic-prefix", prefix)


def messages(broker: EmbeddedKafka, topic: str, count: int, partitions: int) -> list[Message]:
    """The first so many messages of a topic."""
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "test", "log_level": 0}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    read: list[Message] = []
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        deadline = time.monotonic() + 30
        while len(read) < count:
            assert time.monotonic() < deadline, f"{len(read)} of {count} messages on {topic}"
            read += consumer.consume(count - len(read), 0.1)
    finally:
        consumer.close()
    return read


def test_so_many_wines_as_asked_for_are_all_there_once(broker: EmbeddedKafka, topics: Topics, tmp_path: Path) -> None:
    words = ("--data-interval", "0", "--records", "5000", "--data-type", "red")
    before_ms = time.time_ns() // 1_000_000
    with Process(tmp_path / "log", *on(broker, topics), *words) as provider:
        assert provider.wait() == 0
        assert "published 5,000 wines and 1 model\n" in provider.said
    read = messages(broker, topics.data, 5000, 3)
    keys = [message.key() or b"" for message in read]
    assert len(set(keys)) == 5000
    assert all(re.fullmatch(rb"wine-[0-9a-f]{6}-\d+", key) for key in keys)
    # aiokafka's port of Kafka's own hash, and the rule of Kafka's BuiltInPartitioner.
    assert [message.partition() for message in read] == [(murmur2(key) & 0x7FFFFFFF) % 3 for key in keys]
    wines = [WineRecord.FromString(message.value() or b"") for message in read]
    assert {wine.dataType for wine in wines} == {"red"}
    assert all(before_ms <= wine.ts <= time.time_ns() // 1_000_000 for wine in wines)
    assert len({tuple(getattr(wine, feature) for feature in WINE) for wine in wines}) > 4000
    assert messages(broker, topics.models, 1, 1)[0].key() == b"red"


def test_models_come_at_once_and_then_cycle_until_a_signal(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    manifest = json.loads((MODELS / "models.json").read_text())
    names, sums = ([entry[key] for entry in manifest] for key in ("name", "sha256"))
    with Process(tmp_path / "log", *on(broker, topics), "--model-interval", "0.1") as provider:
        provider.wait_until_said("now start a server, in another terminal: python -m custom_stage.server --bootstrap-")
        eventually(lambda: provider.said.count("model published") > len(names), "a second round of models")
        assert provider.stop(signal.SIGTERM) == 0
        published = provider.said.count("model published")
        assert re.search(rf"published \d+ wines? and {published} models\n$", provider.said)
    read = messages(broker, topics.models, published, 1)
    models = [ModelDescriptor.FromString(message.value() or b"") for message in read]
    assert [model.name for model in models] == [names[number % len(names)] for number in range(published)]
    assert [headers(message) for message in read] == [{"sha256": sums[n % len(sums)]} for n in range(published)]


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker of the test's own."""
    broker = EmbeddedKafka(free_port(), tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


def test_a_lost_broker_is_told_once_and_nothing_is_lost(restartable: EmbeddedKafka, tmp_path: Path) -> None:
    topics = Topics.prefixed("models")
    with Process(tmp_path / "log", *on(restartable, topics), "--data-interval", "0.02") as provider:
        provider.wait_until_said("model published")
        restartable.stop()
        provider.wait_until_said("no broker answers; retrying until one does")
        with EmbeddedKafka(restartable.port, restartable.data_dir, keep=True) as again:
            provider.wait_until_said("the broker answers again; continuing")
            assert provider.stop(signal.SIGINT) == 0
            assert provider.said.count("no broker answers; retrying until one does") == 1
            published = re.search(r"published (\d+) wines", provider.said)
            assert published is not None
            keys = [message.key() or b"" for message in messages(again, topics.data, int(published[1]), 3)]
    assert sorted(int(key.split(b"-")[2]) for key in keys) == list(range(len(keys)))


def test_an_embedded_broker_that_dies_ends_the_provider_with_one_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    words = ("--port", str(free_port()), "--data-dir", str(data_dir))
    with Process(tmp_path / "log", *PROVIDER, *words) as provider:
        provider.wait_until_said("model published")
        (pid,) = brokers_in(data_dir)
        os.kill(pid, signal.SIGKILL)
        assert provider.wait() == 1
        (error,) = provider.errors
        assert "the broker has ended by itself (killed by signal 9)" in error
        assert "Traceback" not in provider.said


def test_a_model_too_large_for_its_topic_is_told_and_counted(broker: EmbeddedKafka, topics: Topics) -> None:
    said: list[str] = []
    publisher = Publisher(broker.bootstrap_servers, topics, "run", said.append)
    publisher.publish_model(ModelDescriptor(dataType="wine", data=bytes(MAX_MESSAGE_BYTES + 1)), threading.Event())
    publisher.publish_model(ModelDescriptor(dataType="wine", name="small"), threading.Event())
    assert publisher.flush(30) == 0
    assert (publisher.models, publisher.failed) == (1, 1)
    assert len(said) == 1
    assert said[0].startswith(f"error: not published: {topics.models}, key wine, 16777")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--wines"], 2, "unrecognized arguments: --wines (--help lists what there is)"),
        (["--data-interval", "-1"], 2, "--data-interval (or PROVIDER_DATA_INTERVAL): '-1' should be greater than"),
        (["--drift", "sugar=1"], 1, "drift of 'sugar': no such feature; choose from fixed_acidity"),
        (["--csv", "/nonexistent.csv"], 1, "/nonexistent.csv: cannot be read (No such file or directory)"),
        (["--csv", "wines.csv", "--drift", "pH=1"], 1, "leave out one of them"),
        (["--models-dir", "/nonexistent"], 1, "/nonexistent/models.json: cannot be read (No such file or directory)"),
        (["--data-dir", "/dev/null/data"], 1, "choose another place with --data-dir"),
    ],
)
def test_each_mistake_is_one_line(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    with Process(tmp_path / "log", *PROVIDER, *words) as provider:
        assert provider.wait() == code
        (error,) = provider.errors
        assert told in error
        assert "Traceback" not in provider.said
