"""What tables keep when partitions move, disks are damaged, and topics are recreated: real instances."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    NewTopic,
)

from client.broker.embedded_kafka import EmbeddedKafka
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from serving.settings.topics import Topics
from tests.contract.accounts import SCORED, settled
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

SOON_MISSED = ("--session-timeout-ms", "2000")
PARTITIONS = (0, 1, 2)
SMALL_MODELS_ONLY = ("--max-model-bytes", "2000")

Start = Callable[..., ServerProcess]
"""Starts an instance with these flags: ``start("a", *flags)``; it keeps its directory over restarts."""


@pytest.fixture(params=["streams_kvstore", "streams_customstore"])
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


@pytest.fixture
def start(variant: str, stream: Stream, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as running:

        def start(instance: str, *flags: str) -> ServerProcess:
            log = tmp_path / f"{instance}-{len(list(tmp_path.glob('*.log')))}.log"
            words = (variant, stream.bootstrap_servers, stream.prefix)
            server = ServerProcess(*words, log, *SOON_MISSED, *flags, data_dir=tmp_path / instance)
            return running.enter_context(server).wait_until_ready()

        yield start


def publish(stream: Stream, name: str, each: int) -> list[str]:
    """So many wines to each partition; their ids."""
    ids = {partition: [f"{name}-{partition}-{number}" for number in range(each)] for partition in PARTITIONS}
    for partition, names in ids.items():
        stream.publish_wines(names, partition=partition)
    return [record_id for names in ids.values() for record_id in names]


def put_in_force(stream: Stream, server: ServerProcess, name: str, factor: float, padding: int = 0) -> None:
    stream.publish_model(model(name, data=times_alcohol(factor, padding)))
    server.wait_until_state(lambda state: state["name"] == name)


def told(server: ServerProcess) -> tuple[str | None, int]:
    """The model's name and its usage, once every partition is some instance's."""
    state = server.wait_until_state(lambda state: not state["partitions_missing"] and not state["missing"])
    return state["name"], state["usage"]


def partitions_of(server: ServerProcess) -> set[int]:
    status, instances = server.get("/state/instances")
    if status != 200:
        return set()
    return {partition for each in instances if str(server.port) in each["url"] for partition in each["partitions"]}


def recreated(stream: Stream, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
    admin.delete_topics([topic])[topic].result(DEADLINE_S)
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(DEADLINE_S)


def test_a_partition_that_moves_to_an_instance_with_an_older_model_keeps_the_newer_one_s_counts(
    start: Start, stream: Stream
) -> None:
    a = start("a")
    put_in_force(stream, a, "small 1", 1.0)
    b = start("b", *SMALL_MODELS_ONLY)
    b.wait_until(lambda: len(partitions_of(b)) == 1 and len(partitions_of(a)) == 2, "each has partitions")
    put_in_force(stream, a, "big 2", 2.0, padding=5000)
    b.wait_until_said("Model refused - big 2")
    stream.scores_of(publish(stream, "both live", 100))
    settled(stream, a)
    assert told(a) == told(b) == ("big 2", 200)
    a.kill()
    alone = publish(stream, "b alone", 10)
    settled(stream, b)
    scores = {score.record_id: score.model_name for score in stream.scores_of(alone)}
    assert {scores[record_id] for record_id in alone} == {"small 1"}
    assert told(b) == ("big 2", 200)
    assert "Newer model not loaded" in b.said
    assert b.stop() == 0
    a = start("a")
    assert told(a) == ("big 2", 200)
    stream.scores_of(publish(stream, "a alone", 10))
    settled(stream, a)
    assert told(a) == ("big 2", 230)


def test_every_instance_has_the_newest_model_whatever_comes_later_in_the_changelog(
    variant: str, start: Start, stream: Stream, tmp_path: Path
) -> None:
    a = start("a")
    changelog = f"{a.group}-{stream.prefix}_models-changelog"

    def written() -> list[KeptModel]:
        return [KeptModel.FromString(row.value() or b"") for row in stream.reading.all_of(changelog)]

    put_in_force(stream, a, "first", 1.0)
    stream.scores_of(publish(stream, "one", 10))
    settled(stream, a)
    (first,) = written()
    put_in_force(stream, a, "second", 2.0)
    stream.scores_of(publish(stream, "two", 10))
    settled(stream, a)
    stream.reading.empty(stream.topics.models)
    b = start("b")  # from the table alone
    a.wait_until(lambda: len(partitions_of(b)) > 0 and told(a) == ("second", 30), "they share the partitions")
    assert [row.descriptor.name for row in written()].count("second") == 1
    # An instance that stood still, and had begun to write an older model before.
    end = stream.end(changelog, 0) + 1
    stream.publish(changelog, first.SerializeToString(), b"wine", 0)
    stream.flush()
    a.wait_until(lambda: stream.end(changelog, 0) > end, "the newer model was written again")
    a.kill()
    assert b.stop() == 0
    shutil.rmtree(tmp_path / "a")
    a = start("a")
    stream.scores_of(publish(stream, "three", 10))
    settled(stream, a)
    assert told(a) == ("second", 60)


DAMAGES = {
    "streams_kvstore": {
        "state.db/*.sst": "halved",
        "models.db/CURRENT": "emptied",
    },
    "streams_customstore": {"state.sqlite3": "zeroed", "models.sqlite3": "halved"},
}


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    assert content
    path.write_bytes({"emptied": b"", "zeroed": bytes(len(content)), "halved": content[: len(content) // 2]}[how])


def test_what_a_power_failure_left_of_the_stores_is_set_aside_and_restored(
    variant: str, start: Start, stream: Stream, tmp_path: Path
) -> None:
    server = start("a")
    put_in_force(stream, server, "times 1.0", 1.0)
    stream.scores_of(publish(stream, "before", 20))
    settled(stream, server)
    assert server.stop() == 0
    start("a").stop()  # RocksDB makes a file of its log when it opens a database
    (tables,) = (tmp_path / "a").rglob("tables")
    for pattern, how in DAMAGES[variant].items():
        for path in tables.glob(f"{stream.prefix}_{pattern}"):
            damaged(path, how)
    server = start("a")
    assert server.said.count("Store damaged") == len(DAMAGES[variant])
    assert len(list(tables.glob("*.damaged"))) == len(DAMAGES[variant])
    assert told(server) == ("times 1.0", 60)
    stream.scores_of(publish(stream, "after", 20))
    settled(stream, server)
    assert told(server) == ("times 1.0", 120)


def test_a_models_topic_that_was_recreated_while_it_was_down_is_read_from_its_beginning(
    start: Start, stream: Stream
) -> None:
    server = start("a")
    put_in_force(stream, server, "old", 1.0)
    stream.scores_of(publish(stream, "old", 10))
    settled(stream, server)
    assert server.stop() == 0
    recreated(stream, stream.topics.models, 1)
    stream.publish_model(model("new", data=times_alcohol(2.0)))
    server = start("a")
    ids = publish(stream, "new", 10)
    scores = {score.record_id: score.model_name for score in stream.scores_of(ids)}
    assert {scores[record_id] for record_id in ids} == {"new"}
    settled(stream, server)
    assert told(server) == ("new", 30)


def test_records_of_a_data_topic_that_was_recreated_count(start: Start, stream: Stream) -> None:
    """While the server was down, and while it runs."""
    server = start("a")
    put_in_force(stream, server, "times 1.0", 1.0)
    stream.scores_of(publish(stream, "old", 20))
    settled(stream, server)
    assert server.stop() == 0
    recreated(stream, stream.topics.data, len(PARTITIONS))
    server = start("a")
    stream.scores_of(publish(stream, "new", 20))
    settled(stream, server)
    assert server.metric(SCORED) == 60
    assert told(server) == ("times 1.0", 120)
    recreated(stream, stream.topics.data, len(PARTITIONS))
    server.wait_until_said("topic_recreated")  # what is scored before may be read and scored again, and counts then
    stream.scores_of(publish(stream, "newer", 20))
    server.wait_until_state(lambda state: state["usage"] >= 180)
    settled(stream, server)
    assert told(server) == ("times 1.0", 180)


def test_the_rows_of_an_earlier_version_are_read_and_moved(variant: str, start: Start, stream: Stream) -> None:
    """It kept a model with each partition, and no topic's id."""
    group = f"{variant}-{stream.prefix}"
    changelog = f"{group}-{stream.prefix}_state-changelog"
    kept = KeptModel(offset=0, descriptor=model("kept", data=times_alcohol(1.0)), since_ms=77)
    stream.publish_model(kept.descriptor)
    publish(stream, "old", 5)
    admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
    new = NewTopic(changelog, len(PARTITIONS), 1, config={"cleanup.policy": "compact"})
    admin.create_topics([new])[changelog].result(DEADLINE_S)
    for partition in PARTITIONS:
        counters = KeptCounters(usage=3, model_offset=0, next_offsets={partition: 3})
        for kind, row in (("model", kept), ("counters", counters)):
            key = f"{kind}/{partition}/wine".encode()
            stream.publish(changelog, row.SerializeToString(), key, partition)
    stream.flush()
    server = start("a")
    settled(stream, server)
    assert told(server) == ("kept", 15), "of each partition's five records, three were counted"
    assert server.state()["since"] == 77
    stream.scores_of(publish(stream, "new", 1))
    settled(stream, server)
    tombstones = {row.key() for row in stream.reading.all_of(changelog) if row.value() is None}
    assert tombstones == {f"model/{partition}/wine".encode() for partition in PARTITIONS}
    server.kill()
    server = start("a")
    assert told(server) == ("kept", 18)


def test_a_changelog_that_ends_with_a_stranger_s_transaction_is_restored(
    variant: str, start: Start, stream: Stream, tmp_path: Path
) -> None:
    """Its last offsets are those of a record that was taken back, and of the ends of transactions."""
    server = start("a")
    put_in_force(stream, server, "times 1.0", 1.0)
    stream.scores_of(publish(stream, "old", 20))
    settled(stream, server)
    assert server.stop() == 0
    settings: dict[str, str | int] = {"bootstrap.servers": stream.bootstrap_servers, "log_level": 0}
    stranger = Producer({**settings, "transactional.id": stream.prefix})
    stranger.init_transactions()
    for end in (stranger.commit_transaction, stranger.abort_transaction):
        stranger.begin_transaction()
        stranger.produce(f"{variant}-{stream.prefix}-{stream.prefix}_state-changelog", b"value", b"key", PARTITIONS[0])
        stranger.flush()
        end()
    shutil.rmtree(tmp_path / "a")
    server = start("a")
    assert told(server) == ("times 1.0", 60)
