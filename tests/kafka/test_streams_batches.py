"""Batches of the streams servers at the moments when they could get lost, doubled, or out of step; by record id."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Consumer, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from client.broker.embedded_kafka import EmbeddedKafka
from client.terminal.pace import Pace
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.accounts import distinct, redelivered, settled
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S, eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model, wine

VARIANTS = ("streams_inmemory", "streams_kvstore", "streams_customstore")
COUNT_EXACTLY = ("streams_kvstore", "streams_customstore")
PARTITIONS = 3
EACH = 20  # records
PER_S, SECONDS = 1000, 15
MAX_BEHIND_S = 5

SLOW = """
import runpy, sys, time
from serving.scoring import outcomes

stock = outcomes.score_batch

def slow(*batch):
    time.sleep(0.01)
    return stock(*batch)

outcomes.score_batch = slow
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
"""A server whose model takes 10 ms for a batch, however many records are in it: 100 batches a second at most."""

HELD = """
import os, pathlib, runpy, sys, time
from serving.scoring import outcomes
from serving.streams import application, transport

application.REVOKE_TIMEOUT_S = 0.1
hold = pathlib.Path(os.environ["HOLD"])
stock = outcomes.score_batch

def held(*batch):
    outcome = stock(*batch)
    if hold.exists():
        hold.with_suffix(".held").touch()
        while hold.exists():
            time.sleep(0.01)
    return outcome

async def seek(consumer, stock=transport.Consumer.perform_seek):
    await stock(consumer)
    hold.with_suffix(".sought").touch()

outcomes.score_batch, transport.Consumer.perform_seek = held, seek
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
"""A server whose model works on a batch as long as the file exists that the environment names.

Beside that file it puts another one when a batch is held, and one when it has sought after a rebalance.
"""


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_a_batch_that_becomes_stale_while_it_is_scored_nothing_is_written_acknowledged_or_sent(
    variant: str, broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream, hold = Stream(broker.bootstrap_servers, topics), tmp_path / "hold"
    words = (variant, stream.bootstrap_servers, stream.prefix)
    flags = ("--session-timeout-ms", "6000", "--commit-interval-ms", "0")
    with (
        ServerProcess(*words, tmp_path / "first.log", *flags, program=HELD, environment={"HOLD": str(hold)}) as first,
        ServerProcess(*words, tmp_path / "second.log", *flags) as second,
    ):
        for server in (first, second):
            server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        for server in (first, second):
            server.wait_until_said("Model serving - times 1.0")
        hold.touch()
        ids = [f"wine-{number}" for number in range(PARTITIONS * EACH)]
        for partition in range(PARTITIONS):
            stream.publish_wines(ids[partition::PARTITIONS], partition=partition)
        eventually(hold.with_suffix(".held").exists, "the first has scored a batch, and not sent it yet")
        hold.with_suffix(".sought").unlink()
        assert second.stop() == 0
        first.wait_until(hold.with_suffix(".sought").exists, "it has all partitions")
        hold.unlink()
        settled(stream, first)
        scores = stream.all_scores()
        assert distinct(scores) == set(ids)
        assert redelivered(scores) == 0
        if variant in COUNT_EXACTLY:
            assert first.state()["usage"] == len(ids)


def test_a_server_keeps_up_with_records_that_come_one_by_one_faster_than_it_scores_batches(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    """With batches of one or two records, this server would be approximately 12,000 records behind in the end."""
    stream = Stream(broker.bootstrap_servers, topics)
    words = ("streams_kvstore", stream.bootstrap_servers, stream.prefix, tmp_path / "log")
    with ServerProcess(*words, program=SLOW) as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_said("Model serving - times 1.0")
        producer = Producer({"bootstrap.servers": stream.bootstrap_servers, "linger.ms": 0})
        ids = [f"wine-{number}" for number in range(PER_S * SECONDS)]
        pace = Pace(time.monotonic(), 1 / PER_S)
        for number, name in enumerate(ids):
            while pace.due(time.monotonic()) <= number:
                producer.poll(0.001)
            producer.produce(topics.data, wine(), name.encode(), number % PARTITIONS)
        assert producer.flush(DEADLINE_S) == 0
        assert len(set(ids) - distinct(stream.all_scores())) < PER_S * MAX_BEHIND_S
        settled(stream, server)
        scores = stream.all_scores()
        assert distinct(scores) == set(ids)
        assert redelivered(scores) == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_fetches_are_cut_at_max_batch_and_what_is_no_record_between_them_and_behind_them_is_committed(
    variant: str, broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    words = (variant, stream.bootstrap_servers, stream.prefix, tmp_path / "log", "--max-batch", "10")
    with ServerProcess(*words) as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_state(lambda state: state["name"] == "times 1.0")
        producer = Producer({"bootstrap.servers": stream.bootstrap_servers, "transactional.id": stream.prefix})
        producer.init_transactions()
        ids: list[str] = []
        for number in range(6):
            producer.begin_transaction()
            names = [f"{number}-{each}" for each in range(EACH)]
            for each, name in enumerate(names):
                producer.produce(topics.data, wine(), name.encode(), each % PARTITIONS)
            producer.flush()
            if number % 2:
                producer.abort_transaction()
            else:
                producer.commit_transaction()
                ids += names
        settled(stream, server)
        scores = stream.all_scores()
        assert distinct(scores) == set(ids)
        assert redelivered(scores) == 0
        batches = server.metric("serving_batch_records_count")
        assert batches >= len(ids) / 10
        assert server.metric('serving_batch_records_bucket{le="10.0"}') == batches
        server.wait_until(lambda: server.metric("serving_lag_records") == 0, "its lag was 0")


async def metadata_of(stream: Stream, group: str, topic: str) -> set[str]:
    """What a group has committed with its offsets; confluent-kafka reads on behind its end."""
    client: Any = AIOKafkaAdminClient(bootstrap_servers=stream.bootstrap_servers)
    await client.start()
    try:
        committed = await client.list_consumer_group_offsets(group)
        return {each.metadata for at, each in committed.items() if at.topic == topic}
    finally:
        await client.close()


def test_an_offset_that_was_committed_for_another_topic_of_the_same_name_means_nothing(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    ids = [[f"{partition}-{number}" for number in range(EACH)] for partition in range(PARTITIONS)]
    for partition in range(PARTITIONS):
        stream.publish_wines(ids[partition], partition=partition)
    words = ("streams_kvstore", stream.bootstrap_servers, stream.prefix, tmp_path / "log")
    group = f"streams_kvstore-{stream.prefix}"
    member = Consumer({"bootstrap.servers": stream.bootstrap_servers, "group.id": group, "enable.auto.commit": False})
    committed = [TopicPartition(topics.data, 0, 5), TopicPartition(topics.data, 1, 5, "id of another topic")]
    member.commit(offsets=committed, asynchronous=False)
    with ServerProcess(*words) as server:
        settled(stream, server)
        assert distinct(stream.all_scores()) == {*ids[0][5:], *ids[1], *ids[2]}
    admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
    described = admin.describe_topics(TopicCollection([topics.data]))[topics.data].result(DEADLINE_S)
    assert asyncio.run(metadata_of(stream, group, topics.data)) == {str(described.topic_id)}
    member.close()


def test_a_data_topic_that_is_missing_for_a_while_is_read_as_soon_as_it_is_there_again(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    words = (stream.bootstrap_servers, stream.prefix)
    admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
    with ExitStack() as running:
        servers = [running.enter_context(ServerProcess(name, *words, tmp_path / f"{name}.log")) for name in VARIANTS]
        for server in servers:
            server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        for server in servers:
            server.wait_until_said("Model serving - times 1.0")
        stream.publish_wines([f"old-{number}" for number in range(EACH)])
        for server in servers:
            settled(stream, server)
        admin.delete_topics([topics.data])[topics.data].result(DEADLINE_S)
        for server in servers:
            server.wait_until(lambda server=server: server.get("/healthz")[0] == 503, "it has no partition")  # type: ignore[misc]
        create_topics(stream.bootstrap_servers, topics, PARTITIONS)
        ids = [f"new-{number}" for number in range(EACH)]
        stream.publish_wines(ids)
        for server in servers:
            settled(stream, server)
            server.wait_until_ready()
        scored = Counter(score.record_id for score in stream.all_scores())
        assert min(scored[name] for name in ids) >= len(servers)
