"""A Kafka transport for faust that closes the holes of the stock one, and delivers each fetched batch as one message.

What the stock transport of faust-streaming 0.15.3 does, measured on a real broker:

- **It loses records when tables recover under a backlog.** When recovery has completed, the source partitions are
  resumed first, then sought to their committed offsets, and then the flow is resumed, which empties the agents' queues.
  A record delivered between the first step and the last is dropped, but stays marked as read: it is never processed in
  this life, and nothing behind it is committed. Here the flow stands still from before the seek until it is resumed.
- **It turns into a zombie.** A commit whose partitions have all been revoked meanwhile asks aiokafka to commit
  nothing; that raises, the consumer crashes, and the process lives on without reading. Here such a commit is left out.
- **It commits for its next life.** A commit that waits for the broker is made again in whatever generation the group
  has by then, when the partitions may have had another owner, and goes back behind it. Here it is given up.
- **It forgets what is acknowledged when partitions are revoked, and commits then.** Nothing is lost, but their next
  owner does all of it again since the last commit. Here it is committed first.
- **It makes a message, an event and three tasks of every record**: 15 us each. Here what one fetch brought of one
  source partition is one message: its value is the list of records, its offset that of the last one. Changelog
  partitions go on record by record, as recovery counts them.
- **It starts an agent again that has failed**, behind the batch that it has left. Here the application crashes.
- **It commits where the last acknowledged record ends.** Transaction markers behind it are never passed, so the lag
  of a group never becomes 0. Here the committed offset is where the next fetch begins.

A committed offset carries the topic's id (in the field that Kafka calls its metadata): an offset of a topic that was
deleted says nothing about the topic that was created with the same name.

It overrides private methods, so the versions of faust-streaming, mode-streaming and aiokafka are pinned exactly, and
``tests/kafka/test_streams_transport.py`` holds it against the stock one.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as StockConsumer
from faust.transport.drivers.aiokafka import Transport as StockTransport
from faust.types.tuples import ConsumerMessage

from serving.kafka.clients import (
    FETCH_MAX_WAIT_MS,
    RETRY_S,
    close_quietly,
    commit_in_generation,
    generation_of,
    is_transient,
    positions,
    retry_until_answered,
)
from serving.kafka.header_names import read_any_header_names

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SCHEME = "lossless"
MAX_BATCHES = 2
"""Delivered and not acknowledged, of all partitions together, where the application does not say; with so many no more
is fetched, and what comes meanwhile becomes larger batches. Each batch that waits makes every record wait for one more:
fetched as they come, single records wait in batches of one or two, and a server that cannot score each alone at their
pace falls behind for good. The stock way, to pause single partitions, costs a tenth of a second each time: aiokafka
asks for nothing while it holds records of a paused one."""
MAX_WAITING_BYTES = 16 * 1024 * 1024  # of keys and values; then one fetch more at most
MAX_CHANGELOG_RECORDS = 10_000  # delivered and not restored; then one fetch more at most
BUFFERS_FULL_S = 0.002
NOTHING_TO_FETCH_S = 0.02  # no partition is assigned, or all are paused
FETCH_WAIT_S = 0.2  # a recovery's seek waits for as long
YIELD_EVERY = 100  # records of a changelog delivered before others get their turn on the event loop
STOP_TIMEOUT_S = 2.0  # less than the application has for all of faust
COMMIT_TIMEOUT_S = 2.0  # when partitions are revoked; the group waits for us
KEY_BYTES, VALUE_BYTES = attrgetter("serialized_key_size"), attrgetter("serialized_value_size")  # -1 for none


def register() -> None:
    """Make ``lossless://host:port`` a broker's URL for ``faust.App``."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"


class Fetched(NamedTuple):
    """What one fetch brought of one partition: n >= 0 records."""

    records: Sequence[Any]  # aiokafka's
    next_offset: int | None
    """Where the next fetch begins: behind compacted records and transaction markers. None: the group is rebalanced."""


class _Batch(NamedTuple):
    last_offset: int
    next_offset: int
    size_bytes: int


class Delivered:
    """What was delivered of one partition: its batches, in order, until they are acknowledged.

    A batch's offsets become committable together, with its last one, and never before those of an earlier batch.
    """

    def __init__(self, begin: int) -> None:
        """``begin``: the first offset to deliver."""
        self.next_offset = begin
        """The next one to deliver."""
        self.committable = begin
        """Where the acknowledged batches end."""
        self.committed = begin
        self.size_bytes = 0  # of the batches that are not acknowledged
        self._batches: deque[_Batch] = deque()
        self._acknowledged: set[int] = set()  # batches that others are before, by their last offsets

    @property
    def batches(self) -> int:
        """How many are not acknowledged."""
        return len(self._batches)

    def add(self, records: Sequence[Any], next_offset: int) -> None:
        """Deliver; no records move the end of the batch before them: there is nothing to acknowledge."""
        self.next_offset = next_offset
        if records:
            size_bytes = sum(map(KEY_BYTES, records)) + sum(map(VALUE_BYTES, records))
            self._batches.append(_Batch(records[-1].offset, next_offset, size_bytes))
            self.size_bytes += size_bytes
        elif self._batches:
            self._batches[-1] = self._batches[-1]._replace(next_offset=next_offset)
        else:
            self.committable = next_offset

    def acknowledge(self, last_offset: int) -> None:
        """All outcomes of the batch that ends with this record are in Kafka."""
        if not any(batch.last_offset == last_offset for batch in self._batches):
            return  # it is of a log that was truncated since
        self._acknowledged.add(last_offset)
        while self._batches and self._batches[0].last_offset in self._acknowledged:
            first = self._batches.popleft()
            self._acknowledged.remove(first.last_offset)
            self.committable = first.next_offset
            self.size_bytes -= first.size_bytes


class ConsumerThread(AIOKafkaConsumerThread):
    """The thread in which aiokafka works."""

    consumer: Any  # the ``Consumer`` below

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Any],
        timeout: float | None = None,  # noqa: ASYNC109 - faust's
        max_records: int | None = None,
    ) -> Mapping[Any, Any]:
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        self._check_membership(consumer)
        # Nothing is awaited here: the positions are where exactly these records end.
        ends = positions(consumer)
        return {tp: Fetched(fetched.get(tp, ()), ends.get(tp)) for tp in {*active_partitions, *fetched}}

    @staticmethod
    def _check_membership(consumer: Any) -> None:
        """As aiokafka's ``getmany`` does, which faust fetches around: a member whom nobody asks waits with his error.

        Raises:
            KafkaError: what the group's coordinator will never take.
        """
        try:
            consumer._coordinator.check_errors()
        except KafkaError as error:  # told, so the member goes on
            if not is_transient(error):
                raise

    async def seek_to_committed(self) -> Mapping[Any, Any]:
        """Called by faust; None where the group has committed nothing in the topic that has this name now."""
        committed: Mapping[Any, int | None] = await self.call_thread(self._seek_to_committed)
        return committed

    async def _seek_to_committed(self) -> Mapping[Any, int | None]:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        committed = await consumer._coordinator.fetch_committed_offsets(list(assigned))
        offsets: dict[Any, int | None] = dict.fromkeys(assigned)
        for tp, (offset, topic_id) in committed.items():
            known_id = self.consumer.topic_ids.get(tp.topic, topic_id)
            if topic_id in ("", known_id) and consumer._subscription.is_assigned(tp):
                offsets[tp] = offset
                consumer.seek(tp, offset)
        return offsets

    def last_stable_offset(self, tp: Any) -> int | None:
        """Where what may be read of a partition ends, as far as its last fetch told."""
        consumer = self._ensure_consumer()
        if not consumer._subscription.is_assigned(tp):
            return None
        offset: int | None = consumer.last_stable_offset(tp)
        return offset

    async def _commit(self, offsets: Mapping[Any, OffsetAndMetadata]) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        ours = {
            TopicPartition(*tp): offset
            for tp, offset in offsets.items()
            if tp in assigned and consumer.partitions_for_topic(tp.topic)
        }
        if not ours:
            return False  # their owner reads their records again; or their topic was deleted
        generation = generation_of(consumer)
        while True:
            try:
                await commit_in_generation(consumer, generation, ours)
            except CommitFailedError:  # the group has been rebalanced: the same
                return False
            except Exception as error:  # noqa: BLE001 - it ends the server, which says why
                if not is_transient(error):
                    await self.crash(error)
                    return False
            else:
                return True
            await asyncio.sleep(RETRY_S)

    async def on_thread_stop(self) -> None:
        """Called by faust in this thread; aiokafka's ``stop`` can raise the cancellation of one of its own tasks."""
        await close_quietly(super().on_thread_stop(), STOP_TIMEOUT_S)

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_any_header_names()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # what an aborted transaction wrote was never said
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # stock: 1.5 s
        return consumer

    async def rejoin(self) -> None:
        """Have the group rebalanced, by what the brokers say of the topics now."""
        await self.call_thread(self._rejoin)

    async def _rejoin(self) -> None:
        consumer = self._ensure_consumer()
        await consumer._client.force_metadata_update()
        consumer._coordinator.request_rejoin()


class Consumer(StockConsumer):
    """Delivers each record that the group has not committed, in order, to the agents of the current generation.

    A partition without a committed offset is read from its beginning (``consumer_auto_offset_reset="earliest"``).
    Where Kafka is read and what is delivered stay in step by three rules:

    - A seek stops the flow, and waits for the fetch under way and its delivery. What a fetch brings while the flow
      stands still is dropped. Recoveries seek, and resume the flow afterwards; nobody else does either.
    - Between a revocation and the next assignment the flow cannot be resumed, and no recovery can end.
    - Batches of an earlier epoch mean nothing: nothing of them is written, sent or acknowledged any more.

    What stock faust keeps of acknowledged and committed offsets is not used: ``_delivered`` is all there is.
    """

    _thread: Any  # a ``ConsumerThread``

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See faust's ``Consumer``."""
        super().__init__(*args, **kwargs)
        self.topic_ids: dict[str, str] = {}
        """By name, for the source topics whose ids are known."""
        self.epoch = 0
        """Incremented when partitions are revoked, and when a source topic was created again."""
        self.max_batches = MAX_BATCHES
        self.finish_in_flight: Callable[[], Awaitable[None]] = _nothing
        """Waits, for a limited time, until the batches in flight are acknowledged; the application sets it."""
        self.changelogs_read_to: dict[Any, int] = {}
        """By changelog partition that a recovery has sought in: the offset before which all records are delivered."""
        self._delivered: dict[Any, Delivered] = {}  # by source partition, when a recovery has sought there
        self._has_assignment = False
        self._reading = asyncio.Lock()  # held by a fetch until its records are delivered, and by a seek

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def lag(self) -> int:
        """How many records wait in this instance's source partitions, or are in flight, as far as its fetches told."""
        waiting = 0
        for tp, delivered in list(self._delivered.items()):
            end = self._thread.last_stable_offset(tp)
            if end is not None:
                waiting += max(0, end - delivered.committable)
        return waiting

    # What happens to the group, and to its topics.

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Finish what is in flight, and commit until nothing is left to commit; then it means nothing any more."""
        self._has_assignment = False
        self.stop_flow()
        self.app.flow_control.suspend()  # no further batch begins
        await self.finish_in_flight()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self.maybe_wait_for_commit_to_finish()
                while await self.commit():
                    pass
        self.epoch += 1
        self._delivered = {}
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """A recovery begins, which resumes the flow when it has sought."""
        self._has_assignment = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def topic_recreated(self, topic: str, topic_id: str) -> None:
        """Forget all that was delivered of a topic, and read the one that has its name now from its beginning."""
        self.topic_ids[topic] = topic_id
        self.epoch += 1
        self.stop_flow()  # until the recovery that follows the rebalance resumes it
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        self._delivered = {tp: delivered for tp, delivered in self._delivered.items() if tp.topic != topic}
        await self._thread.rejoin()

    async def on_task_error(self, exc: BaseException) -> None:
        """Called by faust when an agent has failed; stock, it commits, and the agent begins again behind its batch.

        It would wait forever there: nothing behind a batch that nobody acknowledges is committed.
        """
        await self.app.crash(exc)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Called by faust now and then; stock, it logs what seems slow, which nobody sees here.

        And where a position is not known, as for a moment when a topic was created again, it crashes the application.
        """

    def verify_recovery_event_path(self, now: float, tp: Any) -> None:
        """The same, while tables recover."""

    # What a recovery asks for.

    async def highwaters(self, *partitions: Any) -> Mapping[Any, int]:
        """Where partitions end, as soon as the broker answers."""
        return await retry_until_answered(lambda: super(Consumer, self).highwaters(*partitions))

    async def earliest_offsets(self, *partitions: Any) -> Mapping[Any, int]:
        """Where partitions begin, as soon as the broker answers."""
        return await retry_until_answered(lambda: super(Consumer, self).earliest_offsets(*partitions))

    async def seek_wait(self, partitions: Mapping[Any, int]) -> None:
        """Go to where the changelogs are read from; the flow stands still until the recovery resumes it."""
        async with self._standing_still():
            self.changelogs_read_to = {}
            await super().seek_wait(partitions)

    async def perform_seek(self) -> None:
        """Go back to what is committed; the flow stands still until the recovery resumes it.

        Raises:
            IllegalStateError: the partitions have been revoked, or a topic was created again; faust leaves this
                recovery then, and begins the next one after the rebalance.
        """
        epoch = self.epoch
        async with self._standing_still():
            committed = await self.seek_to_committed()
            sources = {tp: offset for tp, offset in committed.items() if not self._is_changelog_tp(tp)}
            # Where nothing is committed, stock faust does not seek: the consumer would go on from where it was.
            if fresh := [tp for tp, offset in sources.items() if not offset]:
                earliest = await self.earliest_offsets(*fresh)
                await super().seek_wait(dict(earliest))
                sources |= earliest
        if not self._has_assignment or epoch != self.epoch:
            raise IllegalStateError("the group is being rebalanced")
        self._delivered = {tp: Delivered(offset) for tp, offset in sources.items()}

    @contextlib.asynccontextmanager
    async def _standing_still(self) -> AsyncIterator[None]:
        self.stop_flow()  # a delivery under way ends
        async with self._reading:
            yield

    def resume_flow(self) -> None:
        """Called by a recovery; without effect once its partitions are being revoked."""
        if self._has_assignment:
            super().resume_flow()

    # Fetching and delivering.

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._drain_once()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    def on_buffer_full(self, tp: Any) -> None:
        """Called by faust when an agent's queue is nearly full; stock, it stops fetching this partition."""

    async def _drain_once(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # an event will do, as in stock faust
        if self._enough_waits():
            await asyncio.sleep(BUFFERS_FULL_S)
            return
        if not self._get_active_partitions():
            await asyncio.sleep(NOTHING_TO_FETCH_S)
            return
        async with self._reading:
            if self.flow_active:  # else a seek had the lock
                fetched: Any = await self._getmany(set(self._get_active_partitions()), FETCH_WAIT_S)
                await self.wait_first(self._deliver(fetched), self.suspend_flow.wait())

    def _enough_waits(self) -> bool:
        """Whether so much is delivered and not acknowledged, or not restored, that no more should be fetched."""
        tables: Any = self.app.tables
        return (
            sum(delivered.batches for delivered in self._delivered.values()) >= self.max_batches
            or sum(delivered.size_bytes for delivered in self._delivered.values()) >= MAX_WAITING_BYTES
            or tables.changelog_queue.qsize() >= MAX_CHANGELOG_RECORDS
        )

    async def _deliver(self, fetched: Mapping[Any, Fetched]) -> None:
        for tp, batch in fetched.items():
            if not self.flow_active:
                return
            if tp not in self._get_active_partitions():
                continue  # paused meanwhile
            if self._is_changelog_tp(tp):
                await self._deliver_changelog(tp, batch)
            elif tp in self._delivered:
                await self._deliver_batch(tp, batch)

    async def _deliver_changelog(self, tp: Any, batch: Fetched) -> None:
        for number, record in enumerate(batch.records, start=1):
            if not self.flow_active:
                return
            await self.callback(self._to_message(tp, record))
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        if batch.next_offset is not None:
            self.changelogs_read_to[tp] = batch.next_offset

    async def _deliver_batch(self, tp: Any, batch: Fetched) -> None:
        records, next_offset = batch
        expected = self._delivered[tp].next_offset
        if next_offset is None or next_offset == expected:
            return
        if next_offset < expected:
            log.warning("log_truncated", topic=tp.topic, partition=tp.partition, was=expected, now=next_offset)
            self._delivered[tp] = Delivered(records[0].offset if records else next_offset)
        elif records and records[0].offset < expected:
            records = [each for each in records if each.offset >= expected]
        self._delivered[tp].add(records, next_offset)
        if records:
            await self.callback(self._to_batch_message(tp, records))

    def _to_batch_message(self, tp: Any, records: Any) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=0.0,  # each record has its own
            timestamp_type=0,
            headers=None,
            key=None,
            value=records,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    # Acknowledging and committing.

    def ack(self, message: Any) -> bool:
        """Called by faust when a message is acknowledged."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        if message.tp in self._delivered:
            self._delivered[message.tp].acknowledge(message.offset)
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Called by ``commit``: commit all that is acknowledged, with the id of its topic.

        All of its outcomes are in Kafka, the rows of its tables too, so nothing has to be flushed before.
        """
        new = {tp: each for tp, each in self._delivered.items() if each.committable > each.committed}
        ends = {tp: delivered.committable for tp, delivered in new.items()}
        if not ends or not await self._commit(
            {tp: OffsetAndMetadata(end, self.topic_ids.get(tp.topic, "")) for tp, end in ends.items()}
        ):
            return False  # the next commit tries again
        for tp, delivered in new.items():
            delivered.committed = ends[tp]
        return True


async def _nothing() -> None: ...


class Transport(StockTransport):
    """What ``lossless://`` names."""

    Consumer = Consumer
