"""What Kafka itself reports of a run, independent of the server."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    OffsetSpec,
)

from client.demo.circumstances import ModelTopic
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics

Offsets = Mapping[int, int]
"""By partition."""

TIMEOUT_S = 10.0
MAX_CONSUMED = 10_000


class Scored(NamedTuple):
    """One score: which record got it, and from which model."""

    partition: int
    offset: int  # in the data topic
    model_name: str


class Observer:
    """Asks a broker about one set of topics."""

    def __init__(self, bootstrap_servers: str, topics: Topics, partitions: int) -> None:
        """Connect in the background; ``partitions`` is how many the data and the scores topic have."""
        self._bootstrap_servers = bootstrap_servers
        self._topics = topics
        self._partitions = partitions
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def data_ends(self) -> Offsets:
        """Where the data topic's next records will stand."""
        return self._ends(self._topics.data, self._partitions)

    def score_ends(self) -> Offsets:
        """Where the scores topic's next messages will stand."""
        return self._ends(self._topics.scores, self._partitions)

    def scores(self) -> int:
        """How many scores there are."""
        return sum(self.score_ends().values())

    def scored_since(self, begin: Offsets) -> Counter[Scored]:
        """How often each record was scored, by each model, from these offsets of the scores topic to its end now."""
        return Counter(self._scored(begin))

    def score_messages(self, begin: Offsets) -> Iterator[Message]:
        """Each message of the scores topic as it is, from these offsets to its end now, in order by partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                "group.id": "observer",  # not joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "enable.partition.eof": True,  # behind a transaction's last message there is Kafka's own
                "log_level": 0,
            }
        )
        left = set(begin)
        try:
            consumer.assign([TopicPartition(self._topics.scores, *at) for at in begin.items()])
            while left:
                for message in consumer.consume(MAX_CONSUMED, timeout=0.1):
                    if message.error() is not None:
                        left.discard(message.partition() or 0)
                        continue
                    yield message
        finally:
            consumer.close()

    def committed(self, group: str) -> Offsets:
        """Where in the data topic the group would go on."""
        wanted = [TopicPartition(self._topics.data, number) for number in range(self._partitions)]
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, wanted)])
        found = _result(asked[group]).topic_partitions
        return {each.partition: max(0, each.offset) for each in found}

    def without_members(self, group: str) -> bool:
        """Whether the group has no members: a killed member counts until its session has timed out."""
        described = _result(self._admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S)[group])
        return bool(described.state in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD))

    def shares(self, group: str) -> Sequence[int]:
        """How many partitions of the data topic each member has; none while the group distributes them."""
        described = _result(self._admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S)[group])
        if described.state != ConsumerGroupState.STABLE:
            return ()
        return [
            sum(each.topic == self._topics.data for each in member.assignment.topic_partitions)
            for member in described.members
        ]

    def empty_models(self) -> None:
        """Take all models out of their topic; the offsets go on from where they were."""
        ModelTopic(self._bootstrap_servers, self._topics.models).empty()

    def _ends(self, topic: str, partitions: int) -> Offsets:
        wanted = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(partitions)}  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(wanted, request_timeout=TIMEOUT_S)
        return {each.partition: _result(answer).offset for each, answer in asked.items()}

    def _scored(self, begin: Offsets) -> Iterator[Scored]:
        for message in self.score_messages(begin):
            score = ServingResult.FromString(message.value() or b"")
            yield Scored(score.source_partition, score.source_offset, score.model_name)


def _result(answer: "Future[Any]") -> Any:
    return answer.result(TIMEOUT_S)
