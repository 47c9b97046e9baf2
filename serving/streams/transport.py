"""A Kafka transport for faust that closes three holes of the stock one, and delivers whole batches.

What the stock transport of faust-streaming 0.15.3 does, measured on a real broker:

- **It loses records when tables recover under a backlog.** When recovery has completed, the source partitions are
  resumed first, then sought to their committed offsets, and then the flow is resumed, which empties the agents' queues.
  A record delivered between the first step and the last is dropped, but stays marked as read: it is never processed in
  this life, and nothing behind it is committed. Here the flow stands still from before the seek until it is resumed.
- **It turns into a zombie.** A commit whose partitions have all been taken away meanwhile asks aiokafka to commit
  nothing; that raises, the consumer crashes, and the process lives on without reading. Here such a commit is left out.
- **It forgets what is acknowledged when partitions are taken away, and commits then.** Nothing is lost, but whoever
  has them next does all of it again since the last commit. Here it is committed first.
- It also creates three tasks for each record, and sleeps a second whenever its buffers are full. Here a fetched batch
  is delivered as a whole.

It overrides private methods, so the versions of faust-streaming, mode-streaming and aiokafka are pinned exactly, and
``tests/kafka/test_streams_transport.py`` holds it against the stock one.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as StockConsumer
from faust.transport.drivers.aiokafka import Transport as StockTransport

from serving.header_names import read_any_header_names
from serving.kafka_clients import FETCH_MAX_WAIT_MS, closed

SCHEME = "lossless"
FETCHES_WAITING = 3
"""In the agents' queues, at most; then no more is fetched, of any partition. The stock way, to pause single partitions,
costs a tenth of a second each time: aiokafka asks for nothing while it holds records of a paused one."""
MOST_IN_FETCH = 1000  # where the application does not say
BUFFERS_FULL_S = 0.002
FETCH_WAIT_S = 1.0
YIELD_EVERY = 100  # records delivered before others get their turn on the event loop
STOP_TIMEOUT_S = 2.0  # less than the application has for all of faust
COMMIT_TIMEOUT_S = 2.0  # when partitions are taken away; the group waits for us


def register() -> None:
    """Make ``lossless://host:port`` a broker's URL for ``faust.App``."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"


class ConsumerThread(AIOKafkaConsumerThread):
    """The thread in which aiokafka works."""

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        assigned = self.assignment()
        if not any(partition in assigned for partition in offsets):
            return False  # whoever has these partitions now reads their records again
        return bool(await super()._commit(offsets))

    async def on_thread_stop(self) -> None:
        """Called by faust in this thread; aiokafka's ``stop`` can raise the cancellation of one of its own tasks."""
        await closed(super().on_thread_stop(), STOP_TIMEOUT_S)

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_any_header_names()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # what an aborted transaction wrote was never said
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # stock: 1.5 s
        return consumer


class Consumer(StockConsumer):
    """Delivers each record that the group has not committed, in order, to the agents of this very generation.

    A partition without a committed offset is read from its beginning (``consumer_auto_offset_reset="earliest"``).

    ``_read_offset`` is, per partition, the next offset to deliver; None: whatever comes first.
    """

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Commit until nothing is left to commit; only then is it forgotten, and the application told."""
        self.app.flow_control.suspend()  # no further batch begins; one in hand may come to its end meanwhile
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self.maybe_wait_for_commit_to_finish()
                while await self.commit():
                    pass
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """Go back to what is committed; both callers resume the flow afterwards, so nothing may be delivered before."""
        self.stop_flow()
        await asyncio.sleep(0)  # a delivery under way sees it, and ends
        committed = await self.seek_to_committed()
        sources = {tp: offset for tp, offset in committed.items() if not self._is_changelog_tp(tp)}
        # Where the group has committed nothing, stock faust does not seek: the consumer would go on from where it was.
        if fresh := [tp for tp, offset in sources.items() if not offset]:
            await self.seek_wait(dict(await self.earliest_offsets(*fresh)))
        for tp, offset in sources.items():
            self._read_offset[tp] = self._committed_offset[tp] = offset or None

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._drain_once()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    def _to_message(self, tp: Any, record: Any) -> Any:
        """Its time stamp is epoch ms: in faust's seconds, a float, the extremes are another time, or none."""
        message = super()._to_message(tp, record)
        message.timestamp = record.timestamp
        return message

    def on_buffer_full(self, tp: Any) -> None:
        """Called by faust when an agent's queue is nearly full; stock, it stops fetching this partition."""

    async def _drain_once(self) -> None:
        most_in_fetch = self.app.conf.broker_max_poll_records or MOST_IN_FETCH
        # faust's unacknowledged messages would not do: they begin where an agent takes one out of its queue.
        waiting = sum(topic.queue.qsize() for topic in self.app.topics)
        if self.flow_active and waiting >= FETCHES_WAITING * most_in_fetch:
            await asyncio.sleep(BUFFERS_FULL_S)
            return
        records, active = await self._wait_next_records(FETCH_WAIT_S)
        if records is None or self.should_stop:
            return
        if not records:
            await asyncio.sleep(0)
        elif self.flow_active:
            generation = self.app.consumer_generation_id
            await self.wait_first(self._deliver(records, active, generation), self.suspend_flow.wait())
        else:
            await self.perform_seek()

    async def _deliver(self, records: Mapping[Any, Any], active: set[Any] | None, generation: int) -> None:
        delivered = 0
        for tp, record in self.scheduler.iterate(records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if not (active is None or tp in active):
                continue
            expected = self._read_offset[tp]
            if expected is not None and record.offset < expected:
                continue
            if expected is not None and record.offset > expected and self.app.topics.acks_enabled_for(tp.topic):
                # Transaction markers and compacted records: offsets that nobody will ever acknowledge.
                await self._add_gap(tp, expected, record.offset - 1)
            await self.callback(self._to_message(tp, record))
            self._read_offset[tp] = record.offset + 1
            delivered += 1
            if delivered % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        for tp in records:
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))


class Transport(StockTransport):
    """What ``lossless://`` names."""

    Consumer = Consumer
