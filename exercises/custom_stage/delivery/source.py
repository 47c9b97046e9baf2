"""Records from Kafka, as a member of the consumer group, committed when what became of them is acknowledged."""

import asyncio
import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from custom_stage.delivery.decided_offsets import DecidedOffsets
from custom_stage.settings import StageSettings
from serving.errors import BrokerRefused
from serving.kafka.broker import Broker
from serving.kafka.clients import (
    FETCH_MAX_WAIT_MS,
    RETRY_S,
    close_quietly,
    commit_in_generation,
    generation_of,
    is_transient,
    lags,
    positions,
    retry_until_answered,
)
from serving.kafka.header_names import consumer
from serving.kafka.ledger import Ledger
from serving.scoring.records import RawRecord

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FETCH_WAIT_MS = 200  # how long a stop may go unnoticed while no records come
REBALANCE_WAIT_S = 0.05
REVOKE_TIMEOUT_S = 5.0
JOINING_S = 1.0
METADATA_MAX_AGE_MS = 3000
"""After this time a data topic that was deleted and created again has its partitions assigned; aiokafka's default is
five minutes."""
TOPIC_ID_AGE_S = 0.1
"""Before each batch the question for the topic's id would cost at-most-once a tenth of its throughput."""


class Source(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Batches in flight: ``fetch``, then ``acknowledge``; ``commit_acknowledged`` runs concurrently, never ahead.

    Modes that commit otherwise - before a batch is scored, or in a transaction - call ``discard`` in place of
    ``acknowledge``.

    A data topic that is deleted and created again has another id, and its offsets begin at 0. The client does not
    notice: it reads on from where it was in the old topic, and the broker takes the old topic's offsets as commits for
    the new one. So the id is asked at each assignment, when a position goes back, and with each commit; and it is
    committed with each offset, so that a partition's next owner can tell of which topic that is.
    """

    def __init__(self, settings: StageSettings, group: str, broker: Broker) -> None:
        self._settings = settings
        self._group = group
        self._broker = broker
        self._topic_id = ""  # of the topic whose offsets are in the ledger
        self._former_topic_ids: set[str] = set()
        self._topic_in_doubt = self._to_be_found = False  # the topic's id; the positions
        self._confirmed_s = -math.inf  # when it was asked last, and was the same
        self._positions: dict[TopicPartition, int] = {}
        self._ledger = Ledger()
        self._decided = DecidedOffsets(settings, group)
        self.generation = 0
        """Incremented at every revocation, and when the topic was recreated; batches read under an older number must
        not be scored."""
        self._waiting = 0  # batches that were read, and neither taken nor passed over yet
        self._acknowledged = asyncio.Event()
        self._drained = asyncio.Event()
        self._may_fetch = asyncio.Event()
        self._may_fetch.set()
        self._is_member = False
        self.commit_lock = asyncio.Lock()
        """Held while offsets are committed, in a transaction or without: a commit that is retried never overtakes."""
        self._consumer: Any = consumer(
            bootstrap_servers=settings.bootstrap_servers,
            **settings.security.for_aiokafka(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            isolation_level="read_committed",  # what an aborted transaction wrote was never said
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 5,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
        )

    async def start(self) -> None:
        """Join the group."""
        self._topic_id = self._broker.data_topic_id
        self._consumer.subscribe([self._settings.topics.data], listener=self)
        waiting = asyncio.get_running_loop().call_later(JOINING_S, self._say_joining)
        try:
            await retry_until_answered(self._consumer.start)
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Commit what is acknowledged, and leave the group."""
        await close_quietly(self._commit())
        await close_quietly(self._consumer.stop())
        await close_quietly(self._decided.close())

    async def fetch(self) -> Sequence[RawRecord]:
        """The records at hand, in flight from now on; see ``read``."""
        records = await self.read()
        # No await between the reading and the ledger: a revocation in between would not know of this batch.
        if records:
            self.take(records)
        return records

    async def read(self) -> Sequence[RawRecord]:
        """The records at hand, at most ``max_batch``; none after 0.2 s, so that the caller can look for a stop.

        A caller that reads ahead calls ``take`` or ``pass_over`` for each batch, in order, unless the ``generation``
        has changed by then.
        """
        if not self._may_fetch.is_set():
            await self._wait_as_a_member()
            return []
        if self._topic_in_doubt and await self.is_same_topic():
            self._topic_in_doubt = False
        if not self._topic_in_doubt:
            await self._find_positions()
        if not self._positions_are_certain:
            await self._wait_as_a_member()
            return []
        if not self._waiting:
            self._pass_to_positions()
        fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=self._settings.max_batch)
        if not self._positions_are_certain:
            return []  # they are read again, or another instance's
        first_offsets = {partition: records[0].offset for partition, records in fetched.items() if records}
        if self._went_back(first_offsets):
            for partition, offset in first_offsets.items():
                self._consumer.seek(partition, offset)  # to be read again when the topic is certain
            self._topic_in_doubt = True
            self._positions = {}
            return []
        records = [record for partition in fetched.values() for record in partition]
        self._waiting += bool(records)
        return records

    def take(self, records: Sequence[RawRecord]) -> None:
        """This batch is in flight: a revocation waits until it is acknowledged."""
        self._waiting -= 1
        self._ledger.take(records)

    def pass_over(self, records: Sequence[RawRecord]) -> None:
        """Leave this batch out: it is committed with the next one, as if something had become of it."""
        self._waiting -= 1
        self._ledger.pass_over(records)

    def acknowledge(self, records: Sequence[RawRecord]) -> None:
        """All that became of a fetched batch is in Kafka: it may be committed."""
        self._ledger.acknowledge(records)
        self._one_less()

    def discard(self, records: Sequence[RawRecord]) -> None:
        """Nothing remains to be done for a batch, and nothing to be committed."""
        self._ledger.discard(records)
        self._one_less()

    def holds(self, records: Sequence[RawRecord]) -> bool:
        """Whether a batch is still ours: False once its partitions were revoked."""
        return self._ledger.holds(records)

    def assigned(self) -> Collection[int] | None:
        """Our partitions; None while the group distributes them."""
        return {each.partition for each in self._consumer.assignment()} if self._is_member else None

    async def is_member(self) -> bool:
        """Whether the group still counts us in: asked, for who stood still does not know that he was given up."""
        return bool(await self._consumer._coordinator._do_heartbeat())

    def next_offsets(self, records: Sequence[RawRecord]) -> dict[TopicPartition, tuple[int, str]]:
        """What to commit for a batch in flight: offsets, each with its topic's id."""
        return {TopicPartition(*at): (offset, self._note) for at, offset in self._ledger.next_offsets(records).items()}

    async def have_committed(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool:
        """Whether the group has exactly these: what became of a transaction whose last answer was lost."""
        while True:
            committed = await self._decided.committed(offsets, self._topic_id)
            if committed is not None:
                return committed == {partition: offset for partition, (offset, _) in offsets.items()}
            await asyncio.sleep(RETRY_S)

    async def commit_before(self, records: Sequence[RawRecord]) -> bool:
        """Commit a batch of which nothing has been done yet; False: it is another instance's now, leave it alone.

        Committed in the generation of the group in which it was read it is ours, even if its partitions are revoked
        meanwhile: their next owner begins behind it.

        Raises:
            BrokerRefused: the broker will never take these offsets.
        """
        while self.holds(records):
            try:
                async with self.commit_lock:
                    if await self.is_same_topic(TOPIC_ID_AGE_S) and self.holds(records):
                        topic_id = self._topic_id
                        await self._commit_once(self.next_offsets(records))
                        return topic_id == self._topic_id
            except KafkaError as error:
                if _is_of_another_generation(error):
                    break
                if not is_transient(error):
                    raise self._refused(error) from error
            await asyncio.sleep(RETRY_S if self.holds(records) else 0)
        return False

    async def is_same_topic(self, age_s: float = 0.0) -> bool:
        """Whether the data topic is the one that is read, at this moment or, if it was asked then, ``age_s`` ago.

        False: it is gone, or no broker answers, or it was created again. Then all that is in flight is forgotten by
        now, and the new topic is read from its beginning, or from where another instance has committed it.
        """
        asked_s = time.monotonic()
        if asked_s - self._confirmed_s < age_s:
            return True
        found = await self._broker.find_data_topic_id()
        if found is None or found in self._former_topic_ids:  # a broker that lags behind still tells an old one
            return False
        if found == self._topic_id:
            self._confirmed_s = asked_s
            return True
        self._former_topic_ids.add(self._topic_id)
        self._topic_id = found
        self._forget()
        self._restart_positions()
        return False

    def lag(self) -> int:
        """How many records wait in the assigned partitions, as far as the last fetch told."""
        return sum(lags(self._consumer).values())

    async def commit_acknowledged(self) -> None:
        """Until cancelled: commit, one request at a time, what has been acknowledged since the last one.

        Raises:
            BrokerRefused: the broker will never take these offsets.
        """
        while True:
            await self._acknowledged.wait()
            self._acknowledged.clear()
            if not await self._commit():
                self._acknowledged.set()
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(self._settings.commit_interval_ms / 1000)

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:  # noqa: ARG002 - it is always all of them
        """Finish what is in flight and commit it before another instance gets these partitions."""
        self._is_member = False
        try:
            async with asyncio.timeout(REVOKE_TIMEOUT_S):
                # exercise[cs-2]: fetch nothing more; if we are still in the group, finish what is in flight, and commit
                raise NotImplementedError("exercise cs-2")
                # end[cs-2]
        except TimeoutError:
            log.warning("batches_left_behind", reason="not acknowledged in time; they will be scored again")
        except BrokerRefused as error:
            log.warning("batches_left_behind", reason=f"{error}; they will be scored again")
        finally:
            self._forget()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Fetch again."""
        self._restart_positions()
        self._is_member = True
        self._may_fetch.set()
        log.info("partitions_assigned", partitions=sorted(partition.partition for partition in assigned))

    def _say_joining(self) -> None:
        log.info("joining_group", group=self._group, up_to_s=self._settings.session_timeout_ms / 1000)

    @property
    def _was_given_up(self) -> bool:
        """Whether the group has counted us out, after a long silence: it asks nobody before it revokes then."""
        return generation_of(self._consumer) < 0

    async def _wait_as_a_member(self) -> None:
        """A moment in which aiokafka counts us as fetching.

        Whose stage asks for nothing for 5 minutes is stuck: aiokafka leaves the group for us, and joins again only when
        it is asked for records. But here we fetch nothing before it has joined: without this, never again.
        """
        with self._consumer._subscription.fetch_context():
            await asyncio.sleep(REBALANCE_WAIT_S)

    async def _commit(self) -> bool:
        """Commit, after as many failures as it takes; False: not for this topic, or this generation of the group.

        Nothing is lost then: it stays committable, and where the partitions are gone it is scored again.
        """
        while True:
            committed = await self._commit_now()
            if committed is not None:
                return committed
            await asyncio.sleep(RETRY_S)

    async def _commit_now(self) -> bool | None:
        """As ``_commit``; None: no broker has taken it, and may the next time."""
        async with self.commit_lock:
            generation = self.generation
            offsets = self._ledger.committable()
            assigned = self._consumer.assignment()
            ours = {TopicPartition(*at): offset for at, offset in offsets.items() if TopicPartition(*at) in assigned}
            try:
                if ours:
                    if not await self.is_same_topic() or self.generation != generation:
                        return False  # a topic that is gone is not waited for
                    await self._commit_once({at: (offset, self._note) for at, offset in ours.items()})
            except KafkaError as error:
                log.debug("commit_failed", reason=str(error))
                if _is_of_another_generation(error):
                    return False
                if not is_transient(error):
                    raise self._refused(error) from error
                return None
            if self.generation == generation:  # else the ledger may be that of a new topic, with offsets below these
                self._ledger.committed(offsets)
            return True

    async def _commit_once(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:
        notes = {partition: OffsetAndMetadata(*at) for partition, at in offsets.items()}
        await commit_in_generation(self._consumer, generation_of(self._consumer), notes)

    def _restart_positions(self) -> None:
        self._topic_in_doubt = self._to_be_found = True
        if self._settings.delivery == "exactly-once":
            self._decided.await_for(self._consumer.assignment())

    @property
    def _note(self) -> str:
        """What is committed with an offset. confluent-kafka reads it up to a NUL, which nobody else puts there."""
        return f"{self._topic_id}\0"

    @property
    def _positions_are_certain(self) -> bool:
        return not (self._topic_in_doubt or self._to_be_found or self._decided.awaited)

    async def _find_positions(self) -> None:
        """Read on from what the group has committed for this topic, or from its beginning; only after an assignment.

        The client's own positions may be of the old topic: it asks for what is committed, and not of which topic it is.
        """
        if self._settings.delivery == "exactly-once":
            await self._decided.reach(self._consumer, self._topic_id)
            self._to_be_found = False
        if not self._to_be_found:
            return
        generation = self.generation
        assigned = self._consumer.assignment()
        committed = await retry_until_answered(
            lambda: self._consumer._coordinator.fetch_committed_offsets(list(assigned))
        )
        if self.generation != generation or assigned != self._consumer.assignment():
            return
        for partition in assigned:
            at = committed.get(partition)
            is_ours = at is not None and at.offset >= 0 and at.metadata in (None, "", self._note)
            self._consumer.seek(partition, at.offset if is_ours else 0)  # deleted already: the client goes to the first
        self._to_be_found = False

    def _one_less(self) -> None:
        self._acknowledged.set()
        if self._ledger.empty:
            self._drained.set()

    def _refused(self, error: KafkaError) -> BrokerRefused:
        return BrokerRefused(f"committing offsets of group {self._group}", repr(error))

    def _forget(self) -> None:
        """What was read is not ours any more, whether it is in flight or waits to be taken."""
        self.generation += 1
        self._ledger.forget()
        self._drained.set()
        self._positions = {}
        self._waiting = 0

    def _pass_to_positions(self) -> None:
        self._ledger.pass_to({(each.topic, each.partition): at for each, at in positions(self._consumer).items()})
        if self._ledger.committable():
            self._acknowledged.set()

    def _went_back(self, first_offsets: Mapping[TopicPartition, int]) -> bool:
        """Whether a partition is read from an earlier offset than before."""
        before, self._positions = self._positions, positions(self._consumer)
        now = {**self._positions, **first_offsets}
        return any(now.get(partition, offset) < offset for partition, offset in before.items())


def _is_of_another_generation(error: KafkaError) -> bool:
    """Whether the group has given our partitions to others: what is not committed is scored by them."""
    return isinstance(error, CommitFailedError | IllegalStateError)
