"""A run, read from Kafka: its topics from end to end, and the group's commits from Kafka's own topic of offsets."""

import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not named as an export
    AdminClient,
    OffsetSpec,
)

from experiments.checker.run import Commit, Counted, Outcome, Published, Run, Sent
from experiments.errors import TopicNotRead
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics

OFFSETS_TOPIC = "__consumer_offsets"
TIMEOUT_S = 30.0
OPEN_TRANSACTION_S = 120.0  # a producer's transaction.timeout.ms is 60 s, and the broker looks every 10 s
BATCH = 10_000


def read_run(bootstrap_servers: str, topics: Topics, group: str, counted: Counted | None = None) -> Run:
    """Everything that a run has left in these topics; nothing may be written to them meanwhile.

    Args:
        group: the consumer group of the servers; it has come to the end.
        counted: what all servers of the run have counted, where none was killed.
    Raises:
        KafkaException: no broker answers, or a topic is not there.
        TopicNotRead: a transaction stays open.
    """
    with closing(_Reader(bootstrap_servers, group)) as reader:
        letters = [each for each in map(_letter, reader.all_of(topics.dead_letters)) if each[0] == topics.data]
        return Run(
            [Sent(*_place(each), _record_id(each, topics.data)) for each in reader.all_of(topics.data)],
            [*map(_score, reader.all_of(topics.scores)), *(outcome for _, outcome in letters)],
            [_published(each) for each in reader.all_of(topics.models) if each.value()],
            list(_commits(reader, group, topics.data)),
            counted,
            reader.committed(topics.data),
            {each.partition: reader.end(each) for each in reader.partitions(topics.data)},
        )


class _Reader:
    """A consumer that names the group, to ask what it has committed, and never joins it or commits."""

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        where: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
        known = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({**where, **known})
        self._admin = AdminClient(where)

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """Of a topic, in order."""
        known = self._consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        return [TopicPartition(topic, number) for number in sorted(known)]

    def end(self, partition: TopicPartition) -> int:
        """Behind the last offset, open transactions included."""
        asked = self._admin.list_offsets({partition: OffsetSpec.latest()}, request_timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]
        end: int = asked[partition].result(TIMEOUT_S).offset
        return end

    def committed(self, topic: str) -> Mapping[int, int]:
        """By partition, where the group would go on."""
        committed = self._consumer.committed(list(self.partitions(topic)), timeout=TIMEOUT_S)
        return {each.partition: max(each.offset, 0) for each in committed}

    def all_of(self, topic: str, only: int | None = None) -> Iterator[Message]:
        """Every message that is there now, a partition after the other; none of an aborted transaction.

        What a killed server left open holds up all that comes after it, until the broker takes it back.
        """
        for partition in self.partitions(topic):
            if only in (None, partition.partition):
                yield from self._all_of(partition)

    def _all_of(self, partition: TopicPartition) -> Iterator[Message]:
        end = self.end(partition)
        deadline_s = time.monotonic() + OPEN_TRANSACTION_S
        self._consumer.assign([TopicPartition(partition.topic, partition.partition, OFFSET_BEGINNING)])
        # The position, not the last message's offset: at the end there may be markers of transactions.
        while end and self._consumer.position([partition])[0].offset < end:
            for message in self._consumer.consume(BATCH, timeout=0.2):
                error = message.error()
                if error is not None:
                    raise KafkaException(error)
                yield message
            if time.monotonic() > deadline_s:
                raise TopicNotRead(partition.topic, partition.partition, OPEN_TRANSACTION_S)
        self._consumer.unassign()

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def _place(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return partition, offset


def _record_id(message: Message, topic: str) -> str:
    key = message.key()
    partition, offset = _place(message)
    return f"{topic}-{partition}@{offset}" if key is None else key.decode(errors="replace")


def _score(message: Message) -> Outcome:
    score = ServingResult.FromString(message.value() or b"")
    return Outcome(
        "score",
        _place(message)[0],
        score.source_partition,
        score.source_offset,
        score.record_id,
        score.scored_ts,
        score.model_name,
    )


def _letter(message: Message) -> tuple[str, Outcome]:
    """The topic that a dead letter's record is of, and the outcome."""
    headers = {_text(header[0]): _text(header[1]) for header in message.headers() or []}
    partition, offset = int(headers["partition"]), int(headers["offset"])
    key = message.key()
    record_id = f"{headers['topic']}-{partition}@{offset}" if key is None else key.decode(errors="replace")
    at_ms = message.timestamp()[1]
    return headers["topic"], Outcome("dead letter", _place(message)[0], partition, offset, record_id, at_ms)


def _text(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else (value or b"").decode(errors="replace")


def _published(message: Message) -> Published:
    return Published(ModelDescriptor.FromString(message.value() or b"").name, message.timestamp()[1])


def _commits(reader: _Reader, group: str, topic: str) -> Iterator[Commit]:
    partitions = len(reader.partitions(OFFSETS_TOPIC))
    for message in reader.all_of(OFFSETS_TOPIC, abs(_java_hash(group)) % partitions):
        committed = _committed_partition(message.key() or b"", group, topic)
        value = message.value()
        if committed is not None and value is not None:
            (offset,) = struct.unpack_from(">q", value, 2)
            yield Commit(committed, offset, message.timestamp()[1])


def _committed_partition(key: bytes, group: str, topic: str) -> int | None:
    """Which partition of the topic a message's key is about; None: another group, another topic, no commit.

    Source: Kafka, ``OffsetCommitKey.json``, versions 0 and 1: the group and the topic, each with its length, and the
    partition. Of the value (``OffsetCommitValue.json``, all versions) the offset comes first.
    """
    expected = b"".join(struct.pack(">h", len(name)) + name for name in (group.encode(), topic.encode()))
    if len(key) != 2 + len(expected) + 4 or struct.unpack_from(">h", key)[0] > 1 or key[2:-4] != expected:
        return None
    partition: int = struct.unpack(">i", key[-4:])[0]
    return partition


def _java_hash(text: str) -> int:
    """As ``String.hashCode``, by which Kafka chooses the group's partition of the offsets topic; ASCII."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value - 2**32 if value & 0x80000000 else value
