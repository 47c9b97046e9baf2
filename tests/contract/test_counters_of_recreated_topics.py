"""Exact counters count the records of a data topic that is created again, running or while down; and its models win."""

import signal

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    NewTopic,
)

from serving.settings.topics import COMPACTED
from tests.contract.accounts import settled
from tests.contract.conftest import DATA_PARTITIONS, Start, put_in_force
from tests.contract.test_data_topic_recreated import published, recreated
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

EXACT = ("actors_persistent",)
OLD = 60


def counted(server: ServerProcess, usage: int) -> None:
    """It has counted so many, and goes no further."""
    server.wait_until_state(lambda state: state["usage"] >= usage)
    assert server.state()["usage"] == usage


@pytest.mark.parametrize("variant", EXACT)
def test_running_each_record_of_the_new_topic_counts_once_whether_it_has_as_many_more_or_fewer(
    variant: str, start: Start, stream: Stream
) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 1.0)
    ids = published(stream, "old", OLD)
    settled(stream, server)
    total = OLD
    for name, records, stands_still in (("as many", OLD, False), ("more", 90, True), ("still more", 120, False)):
        if stands_still:  # it never sees that the topic is gone, and finds records where it goes on
            server.process.send_signal(signal.SIGSTOP)
        recreated(stream)
        new = published(stream, name, records)
        if stands_still:
            server.process.send_signal(signal.SIGCONT)
        total += records
        stream.scores_of(new)
        settled(stream, server)
        counted(server, total)
        ids += new
    recreated(stream)
    ids += published(stream, "fewer", 30)
    stream.scores_of(ids)
    counted(server, total + 30)


@pytest.mark.parametrize("variant", EXACT)
@pytest.mark.parametrize("late_commit", [False, True], ids=["", "a commit for the old topic came late"])
def test_recreated_while_down_every_record_is_scored_and_counts(
    variant: str, start: Start, stream: Stream, late_commit: bool
) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 1.0)
    published(stream, "old", OLD)
    settled(stream, server)
    group = Consumer({"bootstrap.servers": stream.bootstrap_servers, "group.id": server.group, "log_level": 0})
    partitions = [TopicPartition(stream.topics.data, number) for number in range(DATA_PARTITIONS)]
    committed = group.committed(partitions, timeout=DEADLINE_S)
    assert server.stop() == 0
    recreated(stream)
    new = published(stream, "new", 90)
    if late_commit:  # as a server does that has not noticed yet: the broker takes it for the new topic
        group.commit(offsets=committed, asynchronous=False)
    group.close()
    server = start().wait_until_ready()
    stream.scores_of(new)
    settled(stream, server)
    counted(server, OLD + 90)


@pytest.mark.parametrize("variant", EXACT)
def test_a_model_of_a_models_topic_that_was_created_again_while_down_is_active_whatever_its_offset(
    variant: str, start: Start, stream: Stream
) -> None:
    server = start().wait_until_ready()
    for factor in (1.0, 2.0):
        put_in_force(server, stream, factor)
    put_in_force(server, stream, 3.0, "cider")
    assert server.stop() == 0
    admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
    models = stream.topics.models
    admin.delete_topics([models])[models].result(DEADLINE_S)
    admin.create_topics([NewTopic(models, 1, config=COMPACTED)])[models].result(DEADLINE_S)
    for factor in (7.0, 8.0, 9.0):  # as many records as the old topic had
        stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))
    server = start().wait_until_ready()
    stream.publish_wines(["after"])
    assert stream.scores_of(["after"])[-1].model_name == "times 9.0"
    assert server.state("cider")["name"] == "times 3.0", "a model that is not in the new topic stays"
    assert server.stop() == 0
    server = start().wait_until_ready()
    assert server.said.count("Model arrived") == 0, "the position is the new topic's"
