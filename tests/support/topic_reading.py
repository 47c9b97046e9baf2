"""What is in topics, and how far a group has committed, for tests; over connections that are kept: they cost time."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from client.topics import LEADERLESS
from tests.support.process import DEADLINE_S, eventually

FETCH_S = 0.02
OPEN = "reads what is not committed"


class TopicReading:
    """One reader outside every group, and one that asks for each group's commits."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._consumers: dict[str, Consumer] = {}

    def read(self, topic: str, enough: Callable[[Message], bool], deadline_s: float = DEADLINE_S) -> None:
        """Hand over every message from the beginning, until ``enough`` of one is true or the deadline is over.

        At its end each partition has a message with the error ``_PARTITION_EOF``: there may be no other, as Kafka's own
        messages, which say that a transaction has ended, have offsets too.
        """
        consumer = self._consumer()
        consumer.assign([TopicPartition(topic, number, 0) for number in self._partitions(topic)])
        try:
            deadline = time.monotonic() + deadline_s
            while time.monotonic() < deadline:
                for message in consumer.consume(1000, timeout=FETCH_S):
                    error = message.error()
                    assert error is None or error.code() == KafkaError._PARTITION_EOF, error
                    if enough(message):
                        return
        finally:
            consumer.unassign()

    def all_of(self, topic: str) -> list[Message]:
        """Every message that is in the topic now, and was not taken back.

        It waits for transactions that are still open: what a killed server left behind holds up readers until the
        broker takes it back.
        """
        left = self.ends(topic)
        read: list[Message] = []

        def enough(message: Message) -> bool:
            number = message.partition()
            assert number is not None
            if message.error() is None:
                read.append(message)
            elif (message.offset() or 0) >= left.get(number, 0):
                left.pop(number, None)
            return not left

        self.read(topic, enough)
        assert not left, f"{topic} was not read to its end"
        return read

    def ends(self, topic: str) -> dict[int, int]:
        """The offset that each partition's next message gets, open transactions included."""
        consumer = self._consumer(OPEN)
        ends = {}

        def told(number: int) -> bool:
            try:
                ends[number] = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=DEADLINE_S)[1]
            except KafkaException as error:
                if error.args[0].code() not in LEADERLESS:
                    raise
            return number in ends

        for number in self._partitions(topic):
            eventually(partial(told, number), "a topic that was just created has leaders")
        return ends

    def committed(self, topic: str, group: str) -> dict[int, int]:
        """The group's committed offset in each partition; 0 where there is none."""
        partitions = [TopicPartition(topic, number) for number in self._partitions(topic)]
        committed = self._consumer(group).committed(partitions, timeout=DEADLINE_S)
        return {each.partition: max(0, each.offset) for each in committed}

    def empty(self, topic: str) -> None:
        """Delete every message that is in a compacted topic now; the next ones go on from the same offsets."""
        ends = [TopicPartition(topic, number, end) for number, end in self.ends(topic).items()]
        admin = AdminClient({"bootstrap.servers": self._bootstrap_servers, "log_level": 0})

        def deleted() -> bool:
            try:
                for each in admin.delete_records(ends, operation_timeout=DEADLINE_S).values():
                    each.result(DEADLINE_S)
            except KafkaException as error:
                return bool(error.args[0].code() != KafkaError.POLICY_VIOLATION)  # the change below is not known yet
            return True

        _set_cleanup_policy(admin, topic, "delete")  # Kafka deletes no message of a compacted topic on request
        eventually(deleted, f"{topic} was emptied")
        _set_cleanup_policy(admin, topic, "compact")
        consumer = self._consumer()
        for end in ends:
            assert set(consumer.get_watermark_offsets(end, timeout=DEADLINE_S)) == {end.offset}, "it is empty"

    def _partitions(self, topic: str) -> Sequence[int]:
        return sorted(self._consumer().list_topics(topic, timeout=DEADLINE_S).topics[topic].partitions)

    def _consumer(self, group: str = "outside every group") -> Consumer:
        if group not in self._consumers:
            self._consumers[group] = Consumer(
                {
                    "bootstrap.servers": self._bootstrap_servers,
                    "group.id": group,  # never joined: nothing subscribes
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "isolation.level": "read_committed" if group != OPEN else "read_uncommitted",
                    "fetch.wait.max.ms": 20,
                    "topic.metadata.refresh.fast.interval.ms": 20,
                    "log_level": 0,
                }
            )
        return self._consumers[group]


def _set_cleanup_policy(admin: AdminClient, topic: str, policy: str) -> None:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(DEADLINE_S)
