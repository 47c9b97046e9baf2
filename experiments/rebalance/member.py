"""A member of the group that scores wines and tells each step of its own: ``python -m experiments.rebalance.member``.

It is a server without all that has nothing to do with a rebalance: actors_persistent's client settings, the shared
scoring, at-least-once. A batch is acknowledged before the next one is fetched, so that nothing is in flight when
partitions are revoked. It joins when a line comes on standard input, and leaves when that ends.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from pydantic import Field

from actors_persistent.kafka_records import configuration, record_in
from client.provider.shipped_models import shipped_model
from experiments.rebalance.member_log import LogWriter
from experiments.rebalance.protocols import PROTOCOLS, Protocol
from model import registry
from model.errors import ServingError
from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from serving.scoring.bulk_encoding import results
from serving.scoring.outcomes import epoch_ms, score_batch, score_wines
from serving.scoring.records import Record, WineBatch
from serving.settings.command_line import stop_with
from serving.settings.server import Settings

MODEL = "linear-onnx"
FETCH_WAIT_S = 0.05
TIMEOUT_S = 10.0


class MemberSettings(Settings, env_prefix="SERVING_"):
    """Scores wines as one member of a consumer group, for the experiment that watches it."""

    name: str = Field(description="in the group, and in the header of each score")
    protocol: Protocol = Field("classic", description="of the consumer group")
    log: Path = Field(description="file that each step is written to")


class Member:
    """All of it happens on one thread, callbacks of a rebalance included."""

    def __init__(self, settings: MemberSettings, model: LoadedModel) -> None:
        """Connect in the background; the group is not joined yet."""
        self._settings = settings
        self._state = ServingState("wine").accept(model, epoch_ms())
        self._log = LogWriter(settings.log)
        self._protocol = PROTOCOLS[settings.protocol]
        group = settings.group or settings.topic_prefix
        configured = self._protocol.configured(configuration(settings, group), settings.name)
        self._consumer = Consumer(configured)
        self._producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "linger.ms": 0, "log_level": 0})
        self._next: dict[int, int] = {}  # by partition, what is to be committed
        self._commit_due_s = 0.0
        self._owned: set[int] = set()
        self._acknowledged_ms: dict[int, tuple[int, int]] = {}  # of the batch that is in flight
        self.may_join = threading.Event()
        self.leaving = threading.Event()

    def run(self) -> None:
        """Join when that is allowed; score until ``leaving``; commit, and leave."""
        self._producer.list_topics(self._settings.topics.scores, TIMEOUT_S)  # connected before the first score
        self._log.write("ready", {})
        self.may_join.wait()
        self._consumer.subscribe(
            [self._settings.topics.data], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        try:
            while not self.leaving.is_set():
                if records := self._fetch():
                    self._score(records)
                if time.monotonic() >= self._commit_due_s:
                    self._commit(self._owned)
                    self._commit_due_s = time.monotonic() + self._settings.commit_interval_ms / 1000
        finally:
            self._consumer.close()  # which revokes first
            self._log.close()

    def _fetch(self) -> Sequence[Record]:
        """The records at hand: wait for the first, never for more."""
        first = self._consumer.poll(FETCH_WAIT_S)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(self._settings.max_batch - 1, 0)]
        topic = self._settings.topics.data
        records = [record for message in messages if (record := record_in(message, topic)) is not None]
        return [each for each in records if each.partition in self._owned]  # a rebalance may have come in between

    def _score(self, records: Sequence[Record]) -> None:
        last = {each.partition: each.offset for each in records}
        self._log.write("fetched", last)
        outcome = score_batch(records, self._scores, epoch_ms)
        encoded = results(outcome)
        self._log.write("handed", last)
        for partition, messages in encoded.items():
            for key, value in messages:
                self._producer.produce(
                    self._settings.topics.scores,
                    value,
                    key,
                    partition,
                    on_delivery=self._delivered,
                    headers={"member": self._settings.name},
                )
        self._producer.flush()
        self._log.write("acknowledged", last, acknowledged_ms=self._acknowledged_ms)
        self._acknowledged_ms = {}
        self._next |= {partition: offset + 1 for partition, offset in last.items()}

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            raise KafkaException(error)
        partition = message.partition()
        assert partition is not None
        now_ms = epoch_ms()
        first_ms, _ = self._acknowledged_ms.get(partition, (now_ms, now_ms))
        self._acknowledged_ms[partition] = (first_ms, now_ms)

    def _scores(self, wines: WineBatch) -> Scores:
        self._state, scores = score_wines(self._state, wines)
        return scores

    def _commit(self, partitions: Iterable[int]) -> None:
        offsets = {each: self._next[each] for each in partitions if each in self._next}
        if not offsets:
            return
        with contextlib.suppress(KafkaException):  # refused in a rebalance: they stay to be committed
            self._consumer.commit(offsets=self._placed(offsets), asynchronous=False)
            for each in offsets:
                del self._next[each]

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not partitions:
            return
        begin = {each.partition: each.offset for each in partitions}
        self._log.write("assigned", begin, consumer.memberid() or "")
        committed = consumer.committed(partitions, timeout=TIMEOUT_S)
        begin = {each.partition: each.offset if each.offset >= 0 else OFFSET_BEGINNING for each in committed}
        assign = consumer.incremental_assign if self._protocol.is_incremental else consumer.assign
        assign(self._placed(begin))
        self._owned |= set(begin)
        self._log.write("positioned", begin)

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        revoked = {each.partition for each in partitions}
        self._log.write("revoked", {each: self._next.get(each, -1) for each in revoked})
        self._commit(revoked)
        self._forget(revoked)
        self._log.write("committed", dict.fromkeys(revoked, -1))

    def _lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        lost = {each.partition for each in partitions}
        self._log.write("lost", dict.fromkeys(lost, -1))
        self._forget(lost)

    def _forget(self, partitions: set[int]) -> None:
        self._owned -= partitions
        for each in partitions:
            self._next.pop(each, None)

    def _placed(self, offsets: Mapping[int, int]) -> list[TopicPartition]:
        return [TopicPartition(self._settings.topics.data, *at) for at in offsets.items()]


def _obey(member: Member) -> None:
    sys.stdin.readline()
    member.may_join.set()
    sys.stdin.read()
    member.leaving.set()


def main() -> None:
    """Run one member until standard input ends."""
    try:
        settings: Any = MemberSettings.read("python -m experiments.rebalance.member")
        descriptor = shipped_model(MODEL)
        member = Member(settings, registry.load(descriptor))
        threading.Thread(target=_obey, args=(member,), daemon=True).start()
        member.run()
    except ServingError as error:
        stop_with(error)


if __name__ == "__main__":
    main()
