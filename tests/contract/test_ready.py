"""Ready is who has its partitions, or who rightly has none."""

import signal
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.conftest import SOON_MISSED, Start
from tests.support.process import eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream

SHOULD_HAVE_ONE = {
    "ready": False,
    "broker": True,
    "reason": "it has no partition, though the data topic has 3 and the consumer group 2 members",
}
ASSIGNED = "Partitions assigned - "


def test_an_instance_is_ready_with_a_partition_or_where_others_have_them_all(
    broker: EmbeddedKafka, topics: Topics, start: Start
) -> None:
    single = Topics.prefixed(f"{topics.data.removesuffix('_data')}-single")
    create_topics(broker.bootstrap_servers, single, 1)
    stream = Stream(broker.bootstrap_servers, single)
    first = start(*SOON_MISSED, on=stream, instance="a").wait_until_ready()
    second = start(*SOON_MISSED, on=stream, instance="b").wait_until_ready()
    assert ASSIGNED in first.said
    assert ASSIGNED in second.said
    # The group does not know yet that a member stands still, and gives nobody a partition until it does.
    second.process.send_signal(signal.SIGSTOP)
    third = start(*SOON_MISSED, on=stream, instance="c").wait_until_ready()
    assert ASSIGNED in third.said
    second.process.send_signal(signal.SIGCONT)
    eventually(lambda: second.get("/healthz")[0] == 200, "it was a member again")


def test_an_instance_without_a_partition_that_should_have_one_gives_the_reason(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    growing = Topics.prefixed(f"{topics.data.removesuffix('_data')}-growing")
    create_topics(broker.bootstrap_servers, growing, 1)
    stream = Stream(broker.bootstrap_servers, growing)
    with ExitStack() as running:
        servers = [  # librdkafka takes minutes until it notices that a topic has more partitions
            running.enter_context(
                ServerProcess("actors_persistent", stream.bootstrap_servers, stream.prefix, tmp_path / name)
            ).wait_until_ready()
            for name in ("a", "b")
        ]
        # An instance may be ready before the group has told it that it gets none.
        eventually(lambda: any(f"{ASSIGNED}[]" in server.said for server in servers), "one of them had been given none")
        (standby,) = [server for server in servers if f"{ASSIGNED}[]" in server.said]
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        for topic in (growing.scores, growing.data):
            admin.create_partitions([NewPartitions(topic, 3)])[topic].result()
        standby.wait_until(lambda: standby.get("/healthz") == (503, SHOULD_HAVE_ONE), "it gave the reason")
