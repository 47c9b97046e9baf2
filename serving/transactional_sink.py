"""Scores, dead letters and offsets in one Kafka transaction: who reads what is committed sees all of it, or nothing.

What the transactional id fences: a second copy of this very instance. The one that starts later wins, and the other
ends with one line. What it does not: another member of the group. aiokafka commits offsets in a transaction without its
generation of the group (KIP-447), so the broker takes them even from a member that was given up. A server that stood
still for longer than its session (``kill -STOP``, a laptop's lid) and wakes up in the middle of a transaction can
double what that transaction holds; before and after each one it looks whether its partitions are still its own.
"""

import asyncio
from collections.abc import Callable

from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from serving.errors import BrokerRefused, InstanceFenced
from serving.kafka_clients import RETRY_S, passes
from serving.results import results
from serving.serve import ServedBatch
from serving.settings import Settings
from serving.sink import Sink
from serving.source import next_offsets

TRANSACTION_TIMEOUT_MS = 15_000
"""So long a killed server's open transaction holds up readers of the scores, unless the server itself is back."""


RETRY_BACKOFF_MS = 5
"""A transaction often begins before the broker has quite ended the last one, and has to ask again."""


class _Revoked(Exception):
    """Another instance has these partitions now."""


class TransactionalSink(Sink):
    """One transaction for each batch, one after the other."""

    def __init__(self, settings: Settings, variant: str, group: str, transactional_id: str) -> None:
        """``group``: whose offsets are committed."""
        super().__init__(
            settings,
            variant,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        self._group, self._transactional_id = group, transactional_id

    async def commit(self, served: ServedBatch, is_ours: Callable[[], bool]) -> None:
        """Write and commit all that became of a batch; after a failure all of it again, in a new transaction.

        Args:
            is_ours: asked before and after the writing; where it says no, nothing of it is committed.
        Raises:
            InstanceFenced: another process has this transactional id.
            BrokerRefused: the broker will never take this.
        """
        while is_ours():
            try:
                async with self._producer.transaction():
                    await self._write(served)
                    if not is_ours():
                        raise _Revoked
                return
            except _Revoked:
                return
            except (ProducerFenced, InvalidProducerEpoch):
                raise InstanceFenced(self._transactional_id) from None
            except KafkaError as error:
                if not passes(error):
                    raise BrokerRefused("committing a transaction", str(error)) from error
                await asyncio.sleep(RETRY_S)

    async def _write(self, served: ServedBatch) -> None:
        for partition, messages in results(served).items():
            await self._send(messages, partition)
        for rejected in served.rejected:
            await self.dead_letter(rejected)
        await self._producer.send_offsets_to_transaction(next_offsets(served.records), self._group)

    async def _back_off(self, error: KafkaError) -> None:
        raise error  # the transaction is lost as a whole, and written again as a whole
