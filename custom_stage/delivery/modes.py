"""Three answers to one question: when are the offsets of a batch committed?

Before it is scored, after its scores are acknowledged, or in one transaction with them. What a ``kill -9`` costs
follows from that alone: the batch in hand is lost, scored twice, or neither.
"""

import asyncio
import socket
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from custom_stage.delivery.source import Source
from custom_stage.delivery.transactional_sink import TransactionalSink
from serving.kafka.clients import FAILURES, passes
from serving.kafka.sink import Sent, Sink
from serving.kernel import Kernel
from serving.scoring.outcomes import ServedBatch
from serving.scoring.records import RawRecord

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Delivering(Protocol):
    """How batches leave: ``begin`` before one is scored, ``send`` after it."""

    async def start(self) -> None:
        """Connect what this mode needs besides the kernel's sink."""
        ...

    async def begin(self, records: Sequence[RawRecord]) -> bool:
        """False: the batch is another instance's now, and must not be scored."""
        ...

    async def send(self, served: ServedBatch) -> Awaitable[bool]:
        """Hand over what became of a batch; calls in order.

        Returns:
            to await: all of it is in Kafka, and settled; False: none of it is, for it is another instance's now.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


def delivering(kernel: Kernel, source: Source) -> Delivering:
    """The mode that the settings name."""
    if kernel.settings.delivery == "exactly-once":
        return ExactlyOnce(kernel, source)
    if kernel.settings.delivery == "at-most-once":
        return AtMostOnce(kernel, source)
    return AtLeastOnce(kernel, source)


class AtLeastOnce:
    """Commit after: nothing is lost, and what was in hand at a kill is scored again."""

    def __init__(self, kernel: Kernel, source: Source) -> None:
        """The kernel's sink is all it needs."""
        self._sink, self._source = kernel.sink, source

    async def start(self) -> None:
        """See ``Delivering``."""

    async def begin(self, records: Sequence[RawRecord]) -> bool:  # noqa: ARG002 - nothing is done before
        """See ``Delivering``."""
        return True

    async def send(self, served: ServedBatch) -> Awaitable[bool]:
        """See ``Delivering``."""
        if not self._source.holds(served.records):
            return _nothing()
        return self._settled(served, await self._sink.enqueue(served))

    async def close(self) -> None:
        """See ``Delivering``."""

    async def _settled(self, served: ServedBatch, acknowledged: Awaitable[None]) -> bool:
        await acknowledged
        self._source.acknowledge(served.records)
        return True


class AtMostOnce:
    """Commit before: nothing is scored twice, and what was in hand at a kill is lost."""

    def __init__(self, kernel: Kernel, source: Source) -> None:
        """A sink of its own, whose producer doubles nothing when it tries again."""
        self._sink = OnceSink(kernel.settings, kernel.variant, kernel.broker, enable_idempotence=True)
        self._source = source

    async def start(self) -> None:
        """See ``Delivering``."""
        await self._sink.start()

    async def begin(self, records: Sequence[RawRecord]) -> bool:
        """See ``Delivering``."""
        committed = await self._source.commit_before(records)
        if not committed:
            self._source.settle(records)
        return committed

    async def send(self, served: ServedBatch) -> Awaitable[bool]:
        """See ``Delivering``."""
        return self._settled(served, await self._sink.enqueue(served))

    async def close(self) -> None:
        """See ``Delivering``."""
        await self._sink.close()

    async def _settled(self, served: ServedBatch, acknowledged: Awaitable[None]) -> bool:
        await acknowledged
        self._source.settle(served.records)
        return True


class ExactlyOnce:
    """Commit together: for whoever reads only what is committed, nothing is lost and nothing is there twice.

    A transaction takes its time, however little is in it: the broker answers six times. So whatever has been scored
    while one is under way goes into the next, all of it - what databases call a group commit. A batch that comes when
    none is under way waits for nothing.
    """

    def __init__(self, kernel: Kernel, source: Source) -> None:
        """A transactional sink of its own."""
        transactional_id = kernel.settings.transactional_id or f"{kernel.group}-{socket.gethostname()}-{kernel.port}"
        self._sink = TransactionalSink(
            kernel.settings, kernel.variant, kernel.broker, kernel.group, source, transactional_id
        )
        self._source = source
        self._next = _Transaction()
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """See ``Delivering``."""
        await self._sink.start()

    async def begin(self, records: Sequence[RawRecord]) -> bool:  # noqa: ARG002 - the transaction begins with the sending
        """See ``Delivering``."""
        return True

    async def send(self, served: ServedBatch) -> Awaitable[bool]:
        """See ``Delivering``."""
        self._next.batches.append(served)
        return self._settled(served, self._next)

    async def close(self) -> None:
        """See ``Delivering``."""
        await self._sink.close()

    async def _settled(self, served: ServedBatch, transaction: "_Transaction") -> bool:
        async with self._one_at_a_time:
            if transaction is self._next:  # the first of its batches to get here sees to all of them
                self._next = _Transaction()
                transaction.committed = await self._sink.commit(transaction.batches)
                for each in transaction.batches:
                    self._source.settle(each.records)
        return any(each is served for each in transaction.committed)


@dataclass(slots=True)
class _Transaction:
    batches: list[ServedBatch] = field(default_factory=list)
    committed: Sequence[ServedBatch] = ()


class OnceSink(Sink):
    """Never resends a batch whose acknowledgement was lost: Kafka may have it. Dead letters are resent: for people,
    a duplicate does no harm. So is a batch that the broker has refused to a producer which another one may replace.
    """

    async def _acknowledged(self, sent: Sent) -> None:
        try:
            await sent.future
        except FAILURES as error:
            if passes(error):
                log.warning("scores_lost", scores=len(sent.messages), partition=sent.partition, reason=str(error))
            else:
                await super()._acknowledged(sent)


async def _nothing() -> bool:
    """Of a batch that is another instance's now."""
    return False
