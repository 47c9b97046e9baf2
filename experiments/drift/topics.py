"""The two topics beside a server's four: labels and model events; and how a topic is read from end to end."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Self

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from client.errors import PublishingFailed
from client.provider.publisher import PRODUCER
from client.topics import ends as ends_of
from experiments.drift.events import ModelEvent
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT

TIMEOUT_S = 10.0
BATCH = 10_000


@dataclass(frozen=True, slots=True)
class DriftTopics:
    """Their names."""

    labels: str  # key: the record id; value: the true quality, a number in ASCII
    model_events: str

    @classmethod
    def prefixed(cls, prefix: str) -> Self:
        """``PREFIX_labels`` and ``PREFIX_model_events``."""
        return cls(*(f"{prefix}_{field.name}" for field in fields(cls)))

    def create(self, bootstrap_servers: str, partitions: int) -> None:
        """Create what is missing; events are kept for ever, in one partition: their order is what they say.

        Raises:
            BrokerNotFound, TopicRefused: see ``TopicCreation``.
        """
        appended = {"cleanup.policy": "delete", "retention.ms": "-1"}
        layout = {self.labels: (partitions, {}), self.model_events: (1, appended)}
        TopicCreation(bootstrap_servers, PLAINTEXT, "--topic-prefix").create_missing(layout)


class EventLog:
    """Appends events."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect in the background."""
        self._topic = topic
        self._producer = Producer({**PRODUCER, "bootstrap.servers": bootstrap_servers})

    def append(self, *events: ModelEvent) -> None:
        """Returns when the broker has them.

        Raises:
            PublishingFailed: it does not take them.
        """
        for event in events:
            self._producer.produce(self._topic, event.message(), event.name)
        if self._producer.flush(TIMEOUT_S):
            raise PublishingFailed(f"{self._topic} took no event within {TIMEOUT_S:.0f} s")


def outside_of_groups(bootstrap_servers: str) -> Consumer:
    """A consumer whose partitions are assigned by hand and that commits nothing: it disturbs no server."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "drift",  # must be given; is not joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
    )


def ends(consumer: Consumer, topic: str) -> Iterator[tuple[TopicPartition, int, int]]:
    """Each partition with its first offset and the one behind its last."""
    for partition in consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions:
        at = TopicPartition(topic, partition)
        yield at, *ends_of(consumer, at)


def read_whole(bootstrap_servers: str, topic: str) -> Iterator[Message]:
    """Every message that is there now, in order within each partition."""
    with closing(outside_of_groups(bootstrap_servers)) as consumer:
        for at, low, high in list(ends(consumer, topic)):
            if low == high:
                continue
            consumer.assign([TopicPartition(topic, at.partition, low)])
            ended = False
            while not ended:
                for message in consumer.consume(BATCH, timeout=0.1):
                    ended = message.error() is not None or (message.offset() or 0) >= high
                    if ended:
                        break
                    yield message


def read_events(bootstrap_servers: str, topic: str) -> list[ModelEvent]:
    """All model events.

    Raises:
        EventUnreadable: a message is none.
    """
    return [ModelEvent.of(each.value() or b"") for each in read_whole(bootstrap_servers, topic)]
