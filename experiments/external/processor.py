"""A stream processor in its plainest form: read a batch, have it scored, hand the scores over, commit now and then."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import numpy as np
from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, Message, Producer, TopicPartition
from numpy.typing import NDArray

from experiments.external.scorers import NoAnswer, Scorer
from model.serving_state import Scores
from serving.scoring.bulk_encoding import results
from serving.scoring.outcomes import BatchOutcome, epoch_ms, score_batch
from serving.scoring.records import Record, WineBatch
from serving.settings.topics import Topics

OnFailure = Literal["retry", "skip"]
COMMIT_S = 0.5
FETCH_S = 0.01  # so long it waits for a batch to fill
RETRY_S = 0.02
QUEUE = 500_000


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch that got its scores."""

    at_ms: int  # epoch
    model: str
    submitted_ms: NDArray[np.int64]  # shape (n,), epoch


class Processor:
    """At-least-once: commits what the broker has acknowledged the scores of. It has all partitions to itself."""

    def __init__(
        self,
        bootstrap_servers: str,
        topics: Topics,
        group: str,
        scorer: Scorer,
        batch: int,
        on_failure: OnFailure = "retry",
    ) -> None:
        """Start nothing yet.

        Args:
            bootstrap_servers: of a running broker.
            topics: from where to where.
            group: under which it commits; it begins behind its last commit, or at the first record.
            scorer: what it asks.
            batch: how many records it asks for at once, at most.
            on_failure: whether records without an answer are tried until there is one, or left out.
        """
        self._topics = topics
        self._scorer = scorer
        self._batch = batch
        self._on_failure = on_failure
        where: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
        self._consumer = Consumer(
            {**where, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )
        self._producer = Producer({**where, "linger.ms": 5, "queue.buffering.max.messages": QUEUE})
        self._next: dict[int, int] = {}  # by partition: behind the last record that was handed over
        self._progress: list[tuple[float, int]] = []
        self._call_s: list[float] = []
        self._scored: list[Scored] = []
        self.done = 0
        """How many records are scored and handed over, or left out."""
        self.failures = 0
        """How many requests had no answer."""

    @property
    def call_s(self) -> Sequence[float]:
        """By batch, seconds that the scorer took."""
        return self._call_s

    @property
    def progress(self) -> Sequence[tuple[float, int]]:
        """By batch, when it was done, on ``time.perf_counter``'s clock, and how many records were done then."""
        return self._progress

    @property
    def scored(self) -> Sequence[Scored]:
        """By batch, what was scored."""
        return self._scored

    def run(self, stop: threading.Event, records: int | None = None) -> None:
        """Work until ``stop``, or until so many records are done.

        Raises:
            KafkaException: a record or a score was refused.
        """
        partitions = self._consumer.list_topics(self._topics.data, timeout=30.0).topics[self._topics.data].partitions
        with closing(self._consumer):
            self._consumer.assign([TopicPartition(self._topics.data, number, OFFSET_STORED) for number in partitions])
            committed_s = time.monotonic()
            while not stop.is_set() and (records is None or self.done < records):
                if messages := self._consumer.consume(self._batch, timeout=FETCH_S):
                    self._process([_record(each) for each in messages], stop)
                if time.monotonic() - committed_s > COMMIT_S:
                    self._commit()
                    committed_s = time.monotonic()
            self._commit()

    def _process(self, records: Sequence[Record], stop: threading.Event) -> None:
        try:
            outcome = score_batch(records, lambda wines: self._scores(wines, stop), epoch_ms)
        except Stopped:
            return
        self._hand_over(outcome)
        for record in records:
            self._next[record.partition] = record.offset + 1
        self.done += len(records)
        self._progress.append((time.perf_counter(), self.done))

    def _scores(self, wines: WineBatch, stop: threading.Event) -> Scores:
        while True:
            begin_s = time.perf_counter()
            try:
                values, model = self._scorer.score(wines.features)
            except NoAnswer:
                self.failures += 1
                if self._on_failure == "skip":
                    return Scores(None, None, 0.0)
                if stop.wait(RETRY_S):
                    raise Stopped from None
                continue
            call_s = time.perf_counter() - begin_s
            self._call_s.append(call_s)
            return Scores(values, model, call_s * 1000 / len(values))

    def _hand_over(self, outcome: BatchOutcome) -> None:
        for partition, messages in results(outcome).items():
            for key, value in messages:
                self._producer.produce(self._topics.scores, value, key, partition=partition, on_delivery=_acknowledged)
        self._producer.poll(0)
        self._scored += [Scored(each.scored_ts_ms, each.model_name, each.wines.record_ts_ms) for each in outcome.scored]

    def _commit(self) -> None:
        self._producer.flush()
        offsets = [TopicPartition(self._topics.data, *at) for at in self._next.items()]
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=False)


class Stopped(Exception):
    """While a batch had no answer; it is not committed."""


def _record(message: Message) -> Record:
    if (error := message.error()) is not None:
        raise KafkaException(error)
    topic, partition, offset, key = message.topic(), message.partition(), message.offset(), message.key()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Record(topic, partition, offset, message.timestamp()[1], _bytes(key), _bytes(message.value()))


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content


def _acknowledged(error: object, _: Message) -> None:
    if error is not None:
        raise KafkaException(error)
