"""Both ends of a server's streams, for tests: wines and models in, scores and dead letters out, all by record id."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from serving.settings.topics import MAX_MESSAGE_BYTES, Topics
from tests.support.background_load import PAUSE_S, BackgroundLoad
from tests.support.process import DEADLINE_S
from tests.support.topic_reading import TopicReading

TYPICAL = WineRecord(
    # The first red wine of Cortez et al. 2009.
    fixed_acidity=7.4,
    volatile_acidity=0.7,
    citric_acid=0.0,
    residual_sugar=1.9,
    chlorides=0.076,
    free_sulfur_dioxide=11,
    total_sulfur_dioxide=34,
    density=0.9978,
    pH=3.51,
    sulphates=0.56,
    alcohol=9.4,
)
ALCOHOL = TYPICAL.alcohol

Headers = Sequence[tuple[str, bytes | None]]
"""What Kafka carries beside key and value."""


def wine(data_type: str = "wine", **changes: float) -> bytes:
    """A typical wine, with ``changes`` to its measurements, submitted now."""
    record = WineRecord(dataType=data_type, ts=time.time_ns() // 1_000_000, **changes)
    for name, value in ((each.name, value) for each, value in TYPICAL.ListFields()):
        if name not in changes:
            setattr(record, name, value)
    return record.SerializeToString()


@dataclass
class Stream:
    """Producer and consumers over one set of topics."""

    bootstrap_servers: str
    topics: Topics
    _producers: dict[str, Producer] = field(default_factory=dict)  # by compression codec
    _refused: list[KafkaError] = field(default_factory=list)

    def _producer(self, codec: str) -> Producer:
        if codec not in self._producers:
            self._producers[codec] = Producer(
                {
                    "bootstrap.servers": self.bootstrap_servers,
                    "compression.type": codec,
                    "message.max.bytes": 2 * MAX_MESSAGE_BYTES,
                    "log_level": 0,
                    "queue.buffering.max.messages": 1_000_000,
                }
            )
        return self._producers[codec]

    @property
    def prefix(self) -> str:
        """What a server takes as ``--topic-prefix``."""
        return self.topics.data.removesuffix("_data")

    def publish_wines(
        self, ids: Iterable[str], value: bytes | None = None, partition: int | None = None, codec: str = "none"
    ) -> None:
        """One wine per record id; returns when the broker has them all."""
        for record_id in ids:
            self.publish(self.topics.data, wine() if value is None else value, record_id.encode(), partition, codec)
        self.flush()

    def publish_model(self, descriptor: ModelDescriptor) -> None:
        """Publish a model as the provider does, keyed by its data type."""
        self.publish(self.topics.models, descriptor.SerializeToString(), descriptor.dataType.encode())
        self.flush()

    def publish(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int | None = None,
        codec: str = "none",
        timestamp_ms: int = 0,
        headers: Headers = (),
    ) -> None:
        """Hand one message to the producer; no value is a tombstone, and the time 0 is now."""
        number = -1 if partition is None else partition
        self._producer(codec).produce(
            topic, value, key, number, on_delivery=self._delivered, timestamp=timestamp_ms, headers=list(headers)
        )
        self._producer(codec).poll(0)

    def flush(self) -> None:
        """Wait until the broker has everything."""
        for producer in self._producers.values():
            assert producer.flush(DEADLINE_S) == 0, "the broker did not take the test's records"
        assert not self._refused, f"the broker refused the test's records: {self._refused[0]}"

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._refused.append(error)

    def background_load(self, prefix: str = "flow", pause_s: float = PAUSE_S) -> BackgroundLoad:
        """``with stream.background_load() as load``: a load in the background; afterwards ``load.ids`` are in Kafka."""
        return BackgroundLoad(self.publish_wines, prefix, pause_s)

    def scores(
        self, until: Callable[[list[ServingResult]], bool], deadline_s: float = DEADLINE_S
    ) -> list[ServingResult]:
        """All scores from the beginning, read until ``until`` is satisfied."""
        read: list[ServingResult] = []

        def enough(message: Message) -> bool:
            if message.error() is not None:
                return False
            read.append(ServingResult.FromString(message.value() or b""))
            assert message.partition() == read[-1].source_partition, "a score goes to its record's partition number"
            return until(read)

        self.reading.read(self.topics.scores, enough, deadline_s)
        return read

    def scores_of(self, ids: Iterable[str], deadline_s: float = DEADLINE_S) -> list[ServingResult]:
        """All scores from the beginning, read until each of these record ids has one."""
        missing = set(ids)

        def all_there(read: list[ServingResult]) -> bool:
            missing.discard(read[-1].record_id)
            return not missing

        read = self.scores(all_there, deadline_s) if missing else []
        assert not missing, f"{len(missing)} records have no score after {deadline_s} s, such as {sorted(missing)[:5]}"
        return read

    def dead_letter(self, key: bytes | None, deadline_s: float = DEADLINE_S) -> Message:
        """The first dead letter of a record with this key."""
        found: list[Message] = []

        def enough(message: Message) -> bool:
            if message.error() is None and message.key() == key:
                found.append(message)
            return bool(found)

        self.reading.read(self.topics.dead_letters, enough, deadline_s)
        assert found, f"no dead letter with key {key!r} after {deadline_s} s"
        return found[0]

    def all_scores(self) -> list[ServingResult]:
        """The scores that are in Kafka now, in order within each partition."""
        return [ServingResult.FromString(message.value() or b"") for message in self.reading.all_of(self.topics.scores)]

    def end(self, topic: str, partition: int) -> int:
        """The offset that the partition's next record gets."""
        return self.reading.ends(topic)[partition]

    def committed(self, group: str) -> dict[int, int]:
        """The group's committed offset in each partition of the data topic; 0 where there is none."""
        return self.reading.committed(self.topics.data, group)

    def all_committed(self, group: str) -> bool:
        """Whether the group has committed every record: what became of each is in Kafka."""
        return self.committed(group) == self.reading.ends(self.topics.data)

    @cached_property
    def reading(self) -> TopicReading:
        """The way out."""
        return TopicReading(self.bootstrap_servers)


def model(name: str, kind: str = "ONNX", data: bytes = b"", data_type: str = "wine") -> ModelDescriptor:
    """A descriptor as the provider publishes it."""
    return ModelDescriptor(name=name, description=f"{name} for tests", dataType=data_type, modeltype=kind, data=data)


def headers(message: Message) -> dict[str, str]:
    """A message's headers as text."""
    pairs: Any = message.headers() or []
    return {name: value.decode() for name, value in pairs}
