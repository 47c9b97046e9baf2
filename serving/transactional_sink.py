"""Scores, dead letters and offsets in one Kafka transaction: who reads what is committed sees all of it, or nothing.

What the transactional id fences: a second copy of this very instance. The one that starts later wins, and the other
ends with one line. What it does not: another member of the group. aiokafka commits offsets in a transaction without its
generation of the group (KIP-447), so the broker takes them even from a member that was given up: a server that stood
still for longer than its session (``kill -STOP``, a laptop's lid) while others got its partitions. So the group is
asked whether it still counts us in, after the offsets are part of the transaction and before it is committed; and
whoever gets partitions waits until their last owner's transaction is decided (``settled_offsets.py``). Whichever comes
first, the other one sees it. ``tests/kafka/test_transaction_fencing.py`` shows that aiokafka does neither by itself.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from serving.errors import BrokerRefused, InstanceFenced
from serving.kafka_clients import RETRY_S, passes
from serving.results import results
from serving.serve import ServedBatch
from serving.settings import Settings
from serving.sink import Sink
from serving.source import Source

TRANSACTION_TIMEOUT_MS = 15_000
"""So long a killed server's open transaction holds up readers of the scores, unless the server itself is back."""


RETRY_BACKOFF_MS = 5
"""A transaction often begins before the broker has quite ended the last one, and has to ask again."""


LOOK_AGAIN_S = 0.02  # until a revocation that the group has told us of is carried out


class _Revoked(Exception):
    """Another instance has some of these partitions now."""


class TransactionalSink(Sink):
    """One transaction after the other, each for all the batches that are there by then."""

    def __init__(self, settings: Settings, variant: str, group: str, source: Source, transactional_id: str) -> None:
        """``group`` and ``source``: whose offsets are committed, and who knows them."""
        super().__init__(
            settings,
            variant,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        self._group, self._source, self._transactional_id = group, source, transactional_id

    async def commit(self, batches: Sequence[ServedBatch]) -> Sequence[ServedBatch]:
        """Write and commit all that became of these batches; after a failure all of it again, in a new transaction.

        Whether they are still ours is looked at before the writing and after it; those that are not are left out.

        Returns:
            those that were committed.
        Raises:
            InstanceFenced: another process has this transactional id.
            BrokerRefused: the broker will never take this.
        """
        while ours := [batch for batch in batches if self._is_ours(batch)]:
            offsets = self._offsets(ours)  # asked now: while the transaction begins they may all be taken away
            try:
                async with self._producer.transaction():
                    await self._write(ours, offsets)
                    if not (await self._source.is_member() and all(self._is_ours(batch) for batch in ours)):
                        raise _Revoked
                return ours
            except _Revoked:
                await asyncio.sleep(LOOK_AGAIN_S)
            except (ProducerFenced, InvalidProducerEpoch):
                raise InstanceFenced(self._transactional_id) from None
            except KafkaError as error:
                if not passes(error):
                    raise BrokerRefused("committing a transaction", str(error)) from error
                await asyncio.sleep(RETRY_S)
        return []

    def _is_ours(self, served: ServedBatch) -> bool:
        return self._source.holds(served.records)

    def _offsets(self, batches: Sequence[ServedBatch]) -> dict[TopicPartition, int]:
        offsets: dict[TopicPartition, int] = {}
        for served in batches:
            offsets |= self._source.next_offsets(served.records)
        return offsets

    async def _write(self, batches: Sequence[ServedBatch], offsets: dict[TopicPartition, int]) -> None:
        for served in batches:
            for partition, messages in results(served).items():
                await self._send(messages, partition)
            for rejected in served.rejected:
                await self.dead_letter(rejected)
        await self._producer.send_offsets_to_transaction(offsets, self._group)

    async def _back_off(self, error: KafkaError) -> None:
        raise error  # the transaction is lost as a whole, and written again as a whole
