"""What must become of a record, and what became of it; read from Kafka and from the message alone."""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from confluent_kafka import Message
from google.protobuf.message import DecodeError

from model.features import WINE
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from tests.support.hostile_input import LONGEST_KEY_BYTES, LONGEST_NAME
from tests.support.stream import Stream, headers

DEAD, NO_MODEL = "dead letter", "skipped"

Origin = tuple[int, int]
"""Partition and offset."""


class Score(NamedTuple):
    """What the models ``times FACTOR`` give a record."""

    data_type: str
    record_id: str
    value: float
    record_ts_ms: int


Outcome = Score | str

measurements = attrgetter(*WINE)
ALCOHOL = WINE.index("alcohol")


def single_precision(numbers: Sequence[float]) -> tuple[float, ...]:
    """The nearest numbers of 32 bits; OverflowError if one is beyond the largest."""
    layout = f"<{len(numbers)}f"  # without "<" the larger ones become infinite
    return struct.unpack(layout, struct.pack(layout, *numbers))


def origin(message: Message) -> Origin:
    """Where a message is."""
    partition, offset = message.partition(), message.offset()
    assert partition is not None and offset is not None
    return partition, offset


def expected_outcome(message: Message, factors: Mapping[str, float]) -> Outcome:
    """What must become of a record, by protobuf's own parser and the limits that the reasons of dead letters name.

    Args:
        factors: by data type, of the active models.
    """
    key, value = message.key(), message.value()
    if not value or (key is not None and len(key) > LONGEST_KEY_BYTES):
        return DEAD
    try:
        record = WineRecord.FromString(value)
    except DecodeError:
        return DEAD
    numbers = measurements(record)
    if not 0 < len(record.dataType) <= LONGEST_NAME or not all(map(math.isfinite, numbers)):
        return DEAD
    if record.dataType not in factors:
        return NO_MODEL
    try:
        singles = single_precision(numbers)  # as the models take them
        (scored,) = single_precision([singles[ALCOHOL] * factors[record.dataType]])
    except OverflowError:
        return DEAD  # infinity times a weight of 0 is no number
    partition, offset = origin(message)
    unnamed = f"{message.topic()}-{partition}@{offset}"
    record_id = unnamed if key is None else key.decode("utf-8", "backslashreplace")[:LONGEST_NAME]
    return Score(record.dataType, record_id, scored, record.ts or message.timestamp()[1])


@dataclass(frozen=True)
class Found:
    """All scores and dead letters in Kafka, by where their records are."""

    scores: Mapping[Origin, Score]
    dead_letters: Mapping[Origin, Message]
    dead_models: Mapping[Origin, Message]
    twice: Sequence[tuple[str, Origin]]
    """What has more than one score, or more than one dead letter, by topic."""
    model_names: Mapping[str, set[str]]
    """By data type: which models have scored."""


def found(stream: Stream) -> Found:
    """Read what is there now."""
    scores: dict[Origin, Score] = {}
    names: dict[str, set[str]] = {}
    twice: list[tuple[str, Origin]] = []
    for message in stream.reading.all_of(stream.topics.scores):
        result = ServingResult.FromString(message.value() or b"")
        at = result.source_partition, result.source_offset
        assert message.partition() == result.source_partition
        if at in scores:
            twice.append((stream.topics.scores, at))
        scores[at] = Score(result.data_type, result.record_id, result.value, result.record_ts)
        names.setdefault(result.data_type, set()).add(result.model_name)
    letters: dict[str, dict[Origin, Message]] = {stream.topics.data: {}, stream.topics.models: {}}
    for message in stream.reading.all_of(stream.topics.dead_letters):
        said = headers(message)
        at = int(said["partition"]), int(said["offset"])
        assert said["reason"], "a dead letter says why"
        of_topic = letters[said["topic"]]
        if at in of_topic:
            twice.append((said["topic"], at))
        of_topic[at] = message
    return Found(scores, letters[stream.topics.data], letters[stream.topics.models], twice, names)


def unlike(messages: Iterable[Message], letters: Mapping[Origin, Message]) -> list[Origin]:
    """The dead letters that are not, byte for byte, the message they came of."""
    by_origin = {origin(message): message for message in messages}
    return [
        at
        for at, letter in letters.items()
        if (letter.key(), letter.value() or b"") != (by_origin[at].key(), by_origin[at].value() or b"")
    ]
