"""What the demo reads from the scores topic, for its live view and its summary."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import TracebackType
from typing import Self

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from google.protobuf.message import DecodeError

from protobufs.serving_result_pb2 import ServingResult
from serving.telemetry.live_view import LiveView, latencies_ms
from serving.telemetry.live_windows import ThinnedSamples, percentiles

MAX_BATCH = 1000
SAMPLES = 16_384
MAX_MODELS = 50  # named at the end


@dataclass(frozen=True, slots=True)
class Summary:
    """What was scored from the first score to the last.

    The percentiles leave out records that were submitted before this reader began: they waited for a server to start.
    """

    records: int
    models: tuple[str, ...]  # the first ``MAX_MODELS``, in the order of their first scores
    swaps: int
    p50_ms: float | None  # end to end: from a record's submission to the arrival of its score here
    p99_ms: float | None
    further_models: bool = False  # scored, too


class ModelNames:
    """The names of the models that scored, bounded: anybody can publish models of ever new names."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # an ordered set
        self.further = False
        """Whether more than ``MAX_MODELS`` scored."""

    @property
    def first(self) -> tuple[str, ...]:
        """The first ``MAX_MODELS``."""
        return tuple(self._names)

    def add(self, name: str) -> None:
        """A model that scored."""
        if len(self._names) < MAX_MODELS:
            self._names[name] = None
        elif name not in self._names:
            self.further = True


class ScoreReader:
    """Reads every score, from the first on, outside any consumer group."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Begin to read; the topic must exist."""
        self._started_ms = time.time() * 1000
        self.view = LiveView()
        self._models = ModelNames()
        self._latencies_ms = ThinnedSamples(SAMPLES)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "demo",  # asked for by the library; nothing is ever committed
                "enable.auto.commit": False,
                "log_level": 0,  # the library's own lines would spoil the live view
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=10.0).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def read(self, timeout_s: float) -> int:
        """Take in the scores that are here, or wait for one until the time is up; the answer is how many there were."""
        first = self._consumer.poll(timeout_s)  # unlike ``consume`` it returns with the first score, not with the time
        if first is None:
            return 0
        messages = [first, *self._consumer.consume(MAX_BATCH - 1, timeout=0)]
        arrived_ms = time.time() * 1000
        results = _parsed(messages)
        for group in by_model(results):
            submitted_ms = np.array([result.record_ts for result in group])
            # What was submitted before waited for a server to start, which is not what the demo is to show.
            latencies = latencies_ms(submitted_ms[submitted_ms >= self._started_ms], arrived_ms)
            self._latencies_ms.add(latencies)
            self._models.add(group[0].model_name)
            self.view.observe(
                group[0].model_name,
                [result.record_id for result in group],
                np.array([result.value for result in group]),
                latencies,
                now_s=time.monotonic(),
                data_type=group[0].data_type,
            )
        return len(results)

    def summary(self) -> Summary:
        """Everything so far."""
        snapshot = self.view.snapshot(time.monotonic())
        p50_ms, p99_ms = percentiles([self._latencies_ms], 50, 99) or (None, None)
        return Summary(
            records=snapshot.total,
            models=self._models.first,
            swaps=snapshot.swap_count,
            p50_ms=p50_ms,
            p99_ms=p99_ms,
            further_models=self._models.further,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()


def _parsed(messages: Sequence[Message]) -> list[ServingResult]:
    """What is a score among the messages; anyone can write something else to the topic."""
    results = []
    for message in messages:
        value = message.value()
        if message.error() is None and value:
            with contextlib.suppress(DecodeError):
                results.append(ServingResult.FromString(value))
    return results


def by_model(results: Sequence[ServingResult]) -> list[list[ServingResult]]:
    """The results of one model each, models in the order in which they scored: partitions come in any order."""
    groups: dict[tuple[str, str], list[ServingResult]] = {}
    for result in sorted(results, key=attrgetter("scored_ts")):
        groups.setdefault((result.data_type, result.model_name), []).append(result)
    return list(groups.values())
