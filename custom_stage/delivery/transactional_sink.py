"""Scores, dead letters and offsets in one Kafka transaction: who reads what is committed sees all of it, or nothing.

- Fenced by the transactional id: a second copy of this instance. The one that starts later wins; the other ends with
  one line.
- Not fenced: a member of the group that lost its partitions while it stood still for longer than its session
  (``kill -STOP``, a laptop's lid). aiokafka commits offsets in a transaction without its generation of the group
  (KIP-447), so the broker takes them from such a member, too.
- Therefore the group is asked for a heartbeat after the offsets are part of the transaction and before it is committed;
  and new owners of partitions wait until the last owner's transaction is decided (``decided_offsets.py``). Whichever
  comes first, the other one sees it. ``tests/kafka/test_transaction_fencing.py`` shows that aiokafka does neither.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition

from custom_stage.delivery.source import Source
from serving.errors import BrokerRefused, InstanceFenced
from serving.kafka.broker import Broker
from serving.kafka.clients import FAILURES, FENCED, RETRY_S, breaks_producer, is_transient
from serving.kafka.sink import Sink, refusal
from serving.scoring.outcomes import BatchOutcome
from serving.settings.server import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

TRANSACTION_TIMEOUT_S = 15
"""This long a killed server's open transaction holds up readers of the scores, unless the server itself is back."""

MAX_TRANSACTION_TIMEOUT_S = 15 * 60  # brokers allow no more by default
MAX_RECORDS = 50_000
"""In one transaction. Fewer where the broker is so slow that it takes too long."""

RETRY_BACKOFF_MS = 5
"""A transaction often begins before the broker has quite ended the last one, and has to ask again."""

LOOK_AGAIN_S = 0.02  # until a revocation that the group has told us of is carried out


class _NotOurs(Exception):
    """Another instance has some of these partitions now, or the data topic is gone or was created again."""

    def __init__(self, look_again_s: float) -> None:
        super().__init__()
        self.look_again_s = look_again_s


class TransactionalSink(Sink):
    """One transaction after the other, each for the batches that are there by then.

    - Nothing is committed before every produce request has succeeded: aiokafka would commit the others.
    - A transaction that failed is written again as a whole, by a new producer: aiokafka counts on with sequence numbers
      that the broker has not seen. A transactional id that the broker forgot in a quiet week is renewed by that, too.
    - A transaction that took too long is written again in parts; where it was a single batch, with twice the time.
    """

    def __init__(
        self, settings: Settings, variant: str, broker: Broker, group: str, source: Source, transactional_id: str
    ) -> None:
        """``group`` and ``source``: whose offsets are committed, and who knows them."""
        super().__init__(
            settings, variant, broker, transactional_id=transactional_id, retry_backoff_ms=RETRY_BACKOFF_MS
        )
        self._group = group
        self._source = source
        self._transactional_id = transactional_id
        self._max_records = MAX_RECORDS
        self._timeout_s = TRANSACTION_TIMEOUT_S

    async def commit(self, batches: Sequence[BatchOutcome]) -> Sequence[BatchOutcome]:
        """Write and commit all that became of these batches; what failed is written again, in a new transaction.

        Whether they are still ours is looked at before the writing and after it; those that are not are left out.

        Returns:
            those that were committed.
        Raises:
            InstanceFenced: another process has this transactional id.
            BrokerRefused, ClockRefused: the broker will never take this.
        """
        waiting = list(batches)
        committed = list[BatchOutcome]()
        while waiting := [batch for batch in waiting if self._is_ours(batch)]:
            portion = self._portion(waiting)
            if await self._is_committed(portion):
                committed += portion
                waiting = waiting[len(portion) :]
        return committed

    async def _connected(self) -> Any:
        self._options["transaction_timeout_ms"] = self._timeout_s * 1000
        return await super()._connected()

    def _is_ours(self, outcome: BatchOutcome) -> bool:
        return self._source.holds(outcome.records)

    def _portion(self, batches: Sequence[BatchOutcome]) -> Sequence[BatchOutcome]:
        """The first of them, at least one."""
        records = 0
        for number, each in enumerate(batches):
            records += len(each.records)
            if number and records > self._max_records:
                return batches[:number]
        return batches

    async def _is_committed(self, batches: Sequence[BatchOutcome]) -> bool:
        """Try once; False: nothing of it is committed, and it may be retried."""
        offsets = self._offsets(batches)  # asked now: while the transaction begins they may all be revoked
        producer = self._producer
        began_s = time.time()  # no other clock goes on while a machine sleeps
        is_whole = False
        try:
            async with self._source.commit_lock, producer.transaction():
                _, is_same_topic = await asyncio.gather(self._write(batches), self._source.is_same_topic())
                if not is_same_topic:
                    raise _NotOurs(RETRY_S)
                await producer.send_offsets_to_transaction(offsets, self._group)
                if not (await self._source.is_member() and all(self._is_ours(batch) for batch in batches)):
                    raise _NotOurs(LOOK_AGAIN_S)
                is_whole = True
        except _NotOurs as error:
            await asyncio.sleep(error.look_again_s)
            return False
        except FAILURES as error:
            if isinstance(error, FENCED):
                self._make_smaller(batches, time.time() - began_s)
            elif not (breaks_producer(error) or is_transient(error)):
                raise BrokerRefused("committing a transaction", str(error) or repr(error)) from error
            await self._replace(producer, error)  # by the next one's start the transaction is decided
            if is_whole and await self._source.have_committed(offsets):
                return True  # only the answer was lost
            await asyncio.sleep(RETRY_S)
            return False
        if time.time() - began_s < self._timeout_s / 4:
            self._max_records = min(2 * self._max_records, MAX_RECORDS)
        return True

    def _make_smaller(self, batches: Sequence[BatchOutcome], took_s: float) -> None:
        """The broker gives a transaction up after its time, or when another producer comes with our id.

        Raises:
            InstanceFenced: it was not the time.
        """
        if took_s < self._timeout_s:
            raise InstanceFenced(self._transactional_id)
        records = sum(len(each.records) for each in batches)
        log.warning("transaction_timed_out", after_s=self._timeout_s, records=records)
        if len(batches) > 1:
            self._max_records = records // 2
        else:
            self._timeout_s = min(2 * self._timeout_s, MAX_TRANSACTION_TIMEOUT_S)

    def _offsets(self, batches: Sequence[BatchOutcome]) -> dict[TopicPartition, tuple[int, str]]:
        offsets: dict[TopicPartition, tuple[int, str]] = {}
        for outcome in batches:
            offsets |= self._source.next_offsets(outcome.records)
        return offsets

    async def _write(self, batches: Sequence[BatchOutcome]) -> None:
        """Return when all of it is acknowledged."""
        writing: list[asyncio.Future[None]] = []
        try:
            for outcome in batches:
                writing.append(asyncio.ensure_future(await self.enqueue(outcome)))  # noqa: PERF401 - each is cancelled
            await asyncio.gather(*writing)
        finally:
            for each in writing:
                each.cancel()

    async def _recover(self, error: Exception, topic: str, producer: Any) -> None:  # noqa: ARG002 - see ``Sink``
        if breaks_producer(error) or is_transient(error):
            raise error  # the transaction is lost as a whole, and written again as a whole
        raise refusal(topic, error) from error
