"""Records from Kafka on a thread of their own, committed when what became of them is acknowledged."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from actors_persistent.kafka_records import configuration, record_in
from serving.ledger import Ledger
from serving.records import RawRecord
from serving.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FETCH_WAIT_S = 0.2  # how long a stop may go unnoticed while no records come
MIN_WAIT_S = 0.01
REVOKE_TIMEOUT_S = 5.0
JOINING_S = 1.0
CLOSE_TIMEOUT_S = 1.0


class RecordConsumer:
    """A member of the consumer group. All of it but ``acknowledge`` and ``stop`` belongs to the thread in ``run``."""

    def __init__(self, settings: Settings, group: str, on_lag: Callable[[int], None]) -> None:
        """``on_lag`` is told how many records wait, after each fetch."""
        self._settings, self._group, self._on_lag = settings, group, on_lag
        self._ledger = Ledger()
        self._acknowledged: queue.SimpleQueue[Sequence[RawRecord]] = queue.SimpleQueue()
        self._in_flight = 0  # batches handed on and not yet acknowledged, also those of revoked partitions
        self._assignments = 0
        self._commit_due_s = 0.0
        self._stopping, self._abandoned, self._left = threading.Event(), threading.Event(), threading.Event()
        self._left.set()
        self._joining_since_s: float | None = None
        self.assigned: frozenset[int] | None = None
        """Our partitions; None while the group distributes them."""

    def run(self, take: Callable[[Sequence[RawRecord]], None]) -> None:
        """Until ``stop``: hand batches to ``take``; then wait for what is in flight, commit, and leave the group.

        Raises:
            BrokerRefused: the broker will never let us read this.
        """
        self._left.clear()
        self._joining_since_s = time.monotonic()
        self._consumer = Consumer(configuration(self._settings, self._group))
        try:
            self._consumer.subscribe(
                [self._settings.topics.data], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._stopping.is_set():
                self._serve_one(take)
            while not self._ledger.empty and not self._abandoned.is_set():
                self._wait_for_acknowledgement(FETCH_WAIT_S)
            self._commit()
        finally:
            self._consumer.close()
            self._left.set()

    def acknowledge(self, records: Sequence[RawRecord]) -> None:
        """All that became of a batch is in Kafka: it may be committed, and another one fetched. Any thread."""
        self._acknowledged.put(records)

    def stop(self) -> None:
        """Fetch no more. Any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Give up what is in flight, it will be scored again; return when the group is left, or soon. Any thread."""
        self._abandoned.set()
        self._stopping.set()
        self._left.wait(CLOSE_TIMEOUT_S)

    def _serve_one(self, take: Callable[[Sequence[RawRecord]], None]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._note(self._acknowledged.get_nowait())
        now_s = time.monotonic()
        if now_s >= self._commit_due_s and self._ledger.committable():
            self._commit()
            self._commit_due_s = now_s + self._settings.commit_interval_ms / 1000
        if self._in_flight >= self._settings.batches_in_flight:
            self._wait_for_acknowledgement(FETCH_WAIT_S)
            return
        records = self._fetch()
        self._on_lag(self._lag())
        if records:
            self._ledger.take(records)
            self._in_flight += 1
            take(records)

    def _fetch(self) -> Sequence[RawRecord]:
        """The records at hand: wait for the first, never for more."""
        assignments = self._assignments
        first = self._consumer.poll(self._wait_s())
        if first is None:
            self._say_joining()
            return []
        room = self._settings.max_batch - 1
        messages = [first, *(self._consumer.consume(room, 0) if room else [])]
        topic = self._settings.topics.data
        records = [record for message in messages if (record := record_in(message, topic)) is not None]
        if assignments != self._assignments:  # a rebalance came between the first record and the last
            ours = {each.partition for each in self._consumer.assignment()}
            records = [record for record in records if record.partition in ours]
        return records

    def _wait_s(self) -> float:
        if not self._in_flight and not self._ledger.committable():
            return FETCH_WAIT_S
        return min(FETCH_WAIT_S, max(MIN_WAIT_S, self._settings.commit_interval_ms / 1000))

    def _wait_for_acknowledgement(self, timeout_s: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._note(self._acknowledged.get(timeout=timeout_s))

    def _note(self, records: Sequence[RawRecord]) -> None:
        self._ledger.acknowledge(records)
        self._in_flight -= 1

    def _commit(self) -> None:
        offsets = self._ledger.committable()
        assigned = {(each.topic, each.partition) for each in self._consumer.assignment()}
        ours = [TopicPartition(*each, offset) for each, offset in offsets.items() if each in assigned]
        try:
            answers = self._consumer.commit(offsets=ours, asynchronous=False) if ours else []
            if refused := next((each.error for each in answers or [] if each.error is not None), None):
                raise KafkaException(refused)
        except KafkaException as error:
            # Nothing is lost: they stay committable; where the partitions are gone the records are scored again.
            log.debug("commit_failed", reason=str(error))
        else:
            self._ledger.committed(offsets)

    def _assigned(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._joining_since_s = None
        self.assigned = frozenset(each.partition for each in partitions)
        log.info("partitions_assigned", partitions=sorted(self.assigned))

    def _revoked(self, _: Consumer, _partitions: list[TopicPartition]) -> None:
        """Finish what is in hand and commit it before another instance gets these partitions: always all of them."""
        self.assigned = None
        self._assignments += 1
        deadline_s = time.monotonic() + REVOKE_TIMEOUT_S
        while not self._ledger.empty and time.monotonic() < deadline_s and not self._abandoned.is_set():
            self._wait_for_acknowledgement(FETCH_WAIT_S)
        self._commit()
        if not self._ledger.empty:
            log.warning("batches_left_behind", reason="not acknowledged in time; they will be scored again")
        self._ledger.forget()

    def _lost(self, _: Consumer, _partitions: list[TopicPartition]) -> None:
        """Another instance has them by now."""
        self.assigned = None
        self._assignments += 1
        self._ledger.forget()

    def _lag(self) -> int:
        partitions = self._consumer.position(self._consumer.assignment())
        return sum(map(self._lag_of, partitions))

    def _lag_of(self, partition: TopicPartition) -> int:
        _, end = self._consumer.get_watermark_offsets(partition, cached=True) or (0, 0)
        return max(0, end - partition.offset) if partition.offset >= 0 else 0

    def _say_joining(self) -> None:
        if self._joining_since_s is not None and time.monotonic() > self._joining_since_s + JOINING_S:
            self._joining_since_s = None
            log.info("joining_group", group=self._group, up_to_s=self._settings.session_timeout_ms / 1000)
