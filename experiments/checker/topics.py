"""A run, read from Kafka: its topics from end to end, and the group's commits from Kafka's own topic of offsets."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from experiments.checker.run import Commit, Counted, Outcome, Published, Run, Sent
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics

OFFSETS_TOPIC = "__consumer_offsets"
TIMEOUT_S = 30.0
BATCH = 10_000


def read_run(bootstrap_servers: str, topics: Topics, group: str, counted: Counted | None = None) -> Run:
    """Everything that a run has left in these topics; nothing may be written to them meanwhile.

    Args:
        group: the consumer group of the servers; it has come to the end.
        counted: what all servers of the run have counted, where none was killed.
    Raises:
        KafkaException: no broker answers, or a topic is not there.
    """
    with _reader(bootstrap_servers, group) as reader:
        data = list(_all_of(reader, topics.data))
        letters = [letter for letter in map(_letter, _all_of(reader, topics.dead_letters)) if letter[0] == topics.data]
        partitions = [TopicPartition(topics.data, each) for each in _partitions(reader, topics.data)]
        return Run(
            [Sent(*_place(each), _record_id(each, topics.data)) for each in data],
            [*map(_score, _all_of(reader, topics.scores)), *(outcome for _, outcome in letters)],
            [_published(each) for each in _all_of(reader, topics.models) if each.value()],
            list(_commits(reader, group, topics.data)),
            counted,
            {each.partition: max(each.offset, 0) for each in reader.committed(partitions, timeout=TIMEOUT_S)},
            {each.partition: reader.get_watermark_offsets(each, timeout=TIMEOUT_S)[1] for each in partitions},
        )


@contextmanager
def _reader(bootstrap_servers: str, group: str) -> Iterator[Consumer]:
    """A consumer that names the group, to ask what it has committed, and never joins it or commits."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": False,
            "log_level": 0,
        }
    )
    try:
        yield reader
    finally:
        reader.close()


def _partitions(reader: Consumer, topic: str) -> Sequence[int]:
    return sorted(reader.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)


def _all_of(reader: Consumer, topic: str, only: int | None = None) -> Iterator[Message]:
    """Every message that was there when it was asked, a partition after the other; none of an aborted transaction."""
    for number in _partitions(reader, topic) if only is None else [only]:
        first, end = reader.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT_S)
        reader.assign([TopicPartition(topic, number, first)])
        # The position, not the last message's offset: at the end there may be markers of transactions.
        while reader.position([TopicPartition(topic, number)])[0].offset < end != first:
            messages = reader.consume(BATCH, timeout=1.0)
            for message in messages:
                error = message.error()
                if error is not None:
                    raise KafkaException(error)
                yield message
        reader.unassign()


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


def _commits(reader: Consumer, group: str, topic: str) -> Iterator[Commit]:
    partitions = len(_partitions(reader, OFFSETS_TOPIC))
    for message in _all_of(reader, OFFSETS_TOPIC, abs(_java_hash(group)) % partitions):
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
