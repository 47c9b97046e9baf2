"""Records from Kafka, as a member of the consumer group, committed when what became of them is acknowledged."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from serving.header_names import consumer
from serving.kafka_clients import FETCH_MAX_WAIT_MS, RETRY_S, answered, closed, passes
from serving.ledger import Ledger
from serving.records import RawRecord
from serving.settings import Settings
from serving.settled_offsets import SettledOffsets

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FETCH_WAIT_MS = 200  # how long a stop may go unnoticed while no records come
REBALANCE_WAIT_S = 0.05
REVOKE_TIMEOUT_S = 5.0
JOINING_S = 1.0


class Source(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Batches in hand: ``fetch``, then ``acknowledge``; ``commit_acknowledged`` runs beside them, never ahead.

    Whoever commits otherwise - before a batch is scored, or in a transaction - says ``settle`` in place of
    ``acknowledge``.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings, self._group = settings, group
        self._ledger = Ledger()
        self._next_offsets: dict[TopicPartition, int] = {}
        self._settled = SettledOffsets(settings, group)
        self.generation = 0
        """Another one since our partitions were last taken away: what was read before is not ours any more."""
        self._acknowledged = asyncio.Event()
        self._drained = asyncio.Event()
        self._may_fetch = asyncio.Event()
        self._may_fetch.set()
        self._commit_lock = asyncio.Lock()
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
        )

    async def start(self) -> None:
        """Join the group."""
        self._consumer.subscribe([self._settings.topics.data], listener=self)
        waiting = asyncio.get_running_loop().call_later(JOINING_S, self._say_joining)
        try:
            await answered(self._consumer.start)
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Commit what is acknowledged, and leave the group."""
        await closed(self._commit())
        await closed(self._consumer.stop())
        await closed(self._settled.close())

    async def fetch(self) -> Sequence[RawRecord]:
        """The records at hand, in hand from now on; see ``read``."""
        records = await self.read()
        # No await between the reading and the ledger: a revocation in between would not know of this batch.
        if records:
            self.take(records)
        return records

    async def read(self) -> Sequence[RawRecord]:
        """The records at hand, at most ``max_batch``; none after 0.2 s, so that the caller can look for a stop.

        Whoever reads ahead says ``take`` or ``pass_over`` for each batch, in order, unless the ``generation`` is
        another one by then.
        """
        if not self._may_fetch.is_set():
            await asyncio.sleep(REBALANCE_WAIT_S)
            return []
        await self._settled.reach(self._consumer)
        fetched = await self._consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=self._settings.max_batch)
        if self._settled.awaited:
            return []  # it goes back to before them
        self._next_offsets.update({partition: last[-1].offset + 1 for partition, last in fetched.items() if last})
        return [record for partition in fetched.values() for record in partition]

    def take(self, records: Sequence[RawRecord]) -> None:
        """This batch is in hand: a revocation waits until it is acknowledged."""
        self._ledger.take(records)

    def pass_over(self, records: Sequence[RawRecord]) -> None:
        """Leave this batch out: it is committed with the next one, as if something had become of it."""
        self._ledger.pass_over(records)

    def acknowledge(self, records: Sequence[RawRecord]) -> None:
        """All that became of a fetched batch is in Kafka: it may be committed."""
        self._ledger.acknowledge(records)
        self._acknowledged.set()
        if self._ledger.empty:
            self._drained.set()

    def settle(self, records: Sequence[RawRecord]) -> None:
        """Nothing remains to be done for a batch, and nothing to be committed."""
        self.acknowledge(records)
        self._ledger.committed(self._ledger.committable())

    def holds(self, records: Sequence[RawRecord]) -> bool:
        """Whether a batch is still ours: False once its partitions were taken away."""
        return self._ledger.holds(records)

    async def is_member(self) -> bool:
        """Whether the group still counts us in: asked, for who stood still does not know that he was given up."""
        return bool(await self._consumer._coordinator._do_heartbeat())

    def next_offsets(self, records: Sequence[RawRecord]) -> dict[TopicPartition, int]:
        """What to commit for a batch in hand."""
        return {TopicPartition(*at): offset for at, offset in self._ledger.next_offsets(records).items()}

    async def commit_before(self, records: Sequence[RawRecord]) -> bool:
        """Commit a batch of which nothing has been done yet; False: it is another instance's now, leave it alone."""
        while self.holds(records):
            try:
                await self._consumer.commit(self.next_offsets(records))
            except KafkaError as error:
                if not passes(error):
                    break
                await asyncio.sleep(RETRY_S)
            else:
                return self.holds(records)
        return False

    def lag(self) -> int:
        """How many records wait in the assigned partitions, as far as the last fetch told."""
        ends = {partition: self._consumer.highwater(partition) for partition in self._consumer.assignment()}
        return sum(
            max(0, end - self._next_offsets.get(partition, end)) for partition, end in ends.items() if end is not None
        )

    async def commit_acknowledged(self) -> None:
        """Until cancelled: commit, one request at a time, what has been acknowledged since the last one."""
        while True:
            await self._acknowledged.wait()
            self._acknowledged.clear()
            await self._commit()
            await asyncio.sleep(self._settings.commit_interval_ms / 1000)

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:  # noqa: ARG002 - it is always all of them
        """Finish what is in hand and commit it before another instance gets these partitions."""
        self._may_fetch.clear()
        self.generation += 1
        if self._consumer._coordinator.generation < 0:  # given up: what is in hand is another instance's already
            self._ledger.forget()
            return
        try:
            async with asyncio.timeout(REVOKE_TIMEOUT_S):
                while not self._ledger.empty:
                    self._drained.clear()
                    await self._drained.wait()
                await self._commit()
        except TimeoutError:
            log.warning("batches_left_behind", reason="not acknowledged in time; they will be scored again")
        finally:
            self._ledger.forget()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Fetch again."""
        if self._settings.delivery == "exactly-once":
            self._settled.await_for(assigned)
        self._may_fetch.set()
        log.info("partitions_assigned", partitions=sorted(partition.partition for partition in assigned))

    def _say_joining(self) -> None:
        log.info("joining_group", group=self._group, up_to_s=self._settings.session_timeout_ms / 1000)

    async def _commit(self) -> None:
        async with self._commit_lock:
            offsets = self._ledger.committable()
            assigned = self._consumer.assignment()
            ours = {
                partition: offset for partition, offset in offsets.items() if TopicPartition(*partition) in assigned
            }
            try:
                if ours:
                    await self._consumer.commit({TopicPartition(*partition): ours[partition] for partition in ours})
            except KafkaError as error:
                # Nothing is lost: they stay committable; where the partitions are gone the records are scored again.
                log.debug("commit_failed", reason=str(error))
                self._acknowledged.set()
            else:
                self._ledger.committed(offsets)
