"""Records from Kafka on a thread of their own, committed when their outcome is acknowledged.

A topic that is deleted and created again has the same name, offsets from 0, and another topic id. librdkafka carries on
in it at the old offset, and a commit for the old topic is taken for the new one, both without a word. So each commit
carries the topic id as its metadata, and a start believes only a commit of the topic that is there; and records that
come after a silence, without which no topic can be created again, are believed when the broker has been asked for the
topic's id after they came, or so shortly before that there was no time for that silence.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from actors_persistent.kafka_records import configuration, record_in
from serving.kafka.ledger import Ledger
from serving.scoring.records import RawRecord
from serving.settings.server import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FETCH_WAIT_S = 0.2  # how long a stop may go unnoticed while no records come
MIN_WAIT_S = 0.01
REVOKE_TIMEOUT_S = 5.0
JOINING_S = 1.0
CLOSE_TIMEOUT_S = 1.0
COMMITTED_TIMEOUT_S = 2.0
QUIET_S = 0.05  # recreating a topic silences it for longer: clients learn the new id only after a back-off of 100 ms

Take = Callable[[Sequence[RawRecord], str], None]
"""Given a batch, and the id of the topic in which it was read."""


class RecordConsumer:
    """A member of the consumer group. What has no "Any thread" in its docstring belongs to the thread in ``run``."""

    def __init__(
        self, settings: Settings, group: str, on_lag: Callable[[int], None], ask_topic_id: Callable[[], str | None]
    ) -> None:
        """``on_lag`` is told how many records wait, after each fetch.

        Args:
            ask_topic_id: blocks until the broker has said which id the data topic has now; None: it did not answer.
        """
        self._settings = settings
        self._group = group
        self._on_lag = on_lag
        self._ask_topic_id = ask_topic_id
        self._ledger = Ledger()
        self._acknowledged: queue.SimpleQueue[Sequence[RawRecord]] = queue.SimpleQueue()
        self._in_flight = 0  # batches handed on and not yet acknowledged, also those of revoked partitions
        self._assignments = 0
        self._commit_due_s = 0.0
        self._topic_id = ""
        self._believed_s = -QUIET_S  # until when the topic is known to be the one with our id: see QUIET_S
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._left = threading.Event()
        self._recreated = threading.Event()
        self._left.set()
        self._joining_since_s: float | None = None
        self.assigned: frozenset[int] | None = None
        """Our partitions; None while the group distributes them."""

    def run(self, take: Take, topic_id: str) -> None:
        """Until ``stop``: hand batches to ``take``; then wait for what is in flight, commit, and leave the group.

        Raises:
            BrokerRefused: the broker will never let us read this.
        """
        self._left.clear()
        self._topic_id = topic_id
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

    def topic_recreated(self) -> None:
        """The data topic may be another one now: ask, and if so, read that from its beginning. Any thread."""
        self._recreated.set()

    def stop(self) -> None:
        """Fetch no more. Any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Give up what is in flight, it will be scored again; return when the group is left, or soon. Any thread."""
        self._abandoned.set()
        self._stopping.set()
        self._left.wait(CLOSE_TIMEOUT_S)

    def _serve_one(self, take: Take) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._note(self._acknowledged.get_nowait())
        if self._recreated.is_set():
            self._recreated.clear()
            self._is_same_topic()
        now_s = time.monotonic()
        if now_s >= self._commit_due_s and self._ledger.committable():
            self._commit()
            self._commit_due_s = now_s + self._settings.commit_interval_ms / 1000
        if self._in_flight >= self._settings.batches_in_flight:
            if not self._wait_for_acknowledgement(QUIET_S / 2):
                self._is_same_topic()  # now is time to wait for the answer: not so after the next fetch
            return
        records = self._fetch()
        if records:
            fetched_s = time.monotonic()
            if fetched_s - self._believed_s > QUIET_S and not self._is_same_topic():
                return
            self._believed_s = max(self._believed_s, fetched_s)
            self._ledger.take(records)
        self._pass_to_positions()
        if records:
            self._in_flight += 1
            take(records, self._topic_id)

    def _is_same_topic(self) -> bool:
        """Ask the broker; of another topic nothing has been read yet, and nothing that came before counts."""
        asked_s = time.monotonic()
        topic_id = self._ask_topic_id()
        while topic_id is None and not self._stopping.wait(FETCH_WAIT_S):
            asked_s = time.monotonic()
            topic_id = self._ask_topic_id()
        if topic_id is None:
            return False
        self._believed_s = asked_s
        if topic_id == self._topic_id:
            return True
        self._topic_id = topic_id
        self._ledger.forget()
        assigned = self._consumer.assignment()
        self._consumer.assign([TopicPartition(each.topic, each.partition, OFFSET_BEGINNING) for each in assigned])
        return False

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

    def _wait_for_acknowledgement(self, timeout_s: float) -> bool:
        try:
            self._note(self._acknowledged.get(timeout=timeout_s))
        except queue.Empty:
            return False
        return True

    def _note(self, records: Sequence[RawRecord]) -> None:
        self._ledger.acknowledge(records)
        self._in_flight -= 1

    def _commit(self) -> None:
        offsets = self._ledger.committable()
        assigned = {(each.topic, each.partition) for each in self._consumer.assignment()}
        ours = [
            TopicPartition(*each, offset, metadata=self._topic_id)
            for each, offset in offsets.items()
            if each in assigned
        ]
        try:
            answers = self._consumer.commit(offsets=ours, asynchronous=False) if ours else []
            if refused := next((each.error for each in answers or [] if each.error is not None), None):
                raise KafkaException(refused)
        except KafkaException as error:
            # Nothing is lost: they stay committable; where the partitions are gone the records are scored again.
            log.debug("commit_failed", reason=str(error))
        else:
            self._ledger.committed(offsets)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._joining_since_s = None
        log.info("partitions_assigned", partitions=sorted(each.partition for each in partitions))
        committed = self._committed_for(partitions)
        metadata = {each.partition: _metadata(each) for each in committed}
        stale = {number for number, each in metadata.items() if each and not each.startswith(self._topic_id)}
        for each in partitions:
            if each.partition in stale:
                each.offset = OFFSET_BEGINNING
        if stale:
            log.warning("commits_of_another_topic", partitions=sorted(stale))
        consumer.assign(partitions)
        self.assigned = frozenset(each.partition for each in partitions)

    def _committed_for(self, partitions: list[TopicPartition]) -> Sequence[TopicPartition]:
        while not self._stopping.is_set():
            try:
                committed = self._consumer.committed(partitions, timeout=COMMITTED_TIMEOUT_S)
                if not any(each.error for each in committed):
                    return committed
            except KafkaException as error:
                log.debug("committed_unknown", reason=str(error))
            self._stopping.wait(FETCH_WAIT_S)
        return ()

    def _revoked(self, _: Consumer, _partitions: list[TopicPartition]) -> None:
        """Finish what is in flight and commit it before another instance gets these partitions: always all of them."""
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

    def _pass_to_positions(self) -> None:
        """Where each partition has been read to, markers of transactions included; all records below are entered."""
        known = [each for each in self._consumer.position(self._consumer.assignment()) if each.offset >= 0]
        self._ledger.pass_to({(each.topic, each.partition): each.offset for each in known})
        self._on_lag(sum(map(self._lag_of, known)))

    def _lag_of(self, partition: TopicPartition) -> int:
        _, end = self._consumer.get_watermark_offsets(partition, cached=True) or (0, 0)
        return max(0, end - partition.offset)

    def _say_joining(self) -> None:
        if self._joining_since_s is not None and time.monotonic() > self._joining_since_s + JOINING_S:
            self._joining_since_s = None
            log.info("joining_group", group=self._group, up_to_s=self._settings.session_timeout_ms / 1000)


def _metadata(committed: TopicPartition) -> str:
    """What was committed with an offset, and anything: confluent-kafka reads on behind its end, up to a NUL."""
    try:
        return committed.metadata or ""
    except UnicodeDecodeError as error:
        return error.object.decode(errors="replace")
