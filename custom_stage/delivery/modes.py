"""Three answers to one question: when are the offsets of a batch committed?

Before it is scored, after its scores are acknowledged, or in one transaction with them. What a ``kill -9`` costs
follows from that alone: the batch in flight is lost, scored twice, or neither.
"""

import asyncio
import socket
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiokafka.errors import ProducerClosed

from custom_stage.delivery.source import Source
from custom_stage.delivery.transactional_sink import TransactionalSink
from custom_stage.settings import StageSettings
from serving.kafka.clients import FAILURES, is_transient
from serving.kafka.sink import Sent, Sink
from serving.kernel import Kernel
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.records import RawRecord

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Delivery(Protocol):
    """How batches leave: ``begin`` before one is scored, ``send`` after it."""

    async def start(self) -> None:
        """Connect what this mode needs besides the kernel's sink."""
        ...

    async def begin(self, records: Sequence[RawRecord]) -> bool:
        """False: the batch is another instance's now, and must not be scored."""
        ...

    async def send(self, outcome: BatchOutcome) -> Awaitable[bool]:
        """Hand over what became of a batch; calls in order.

        Returns:
            to await; True: all of it is in Kafka, and the source knows; False: none of it is: it is another
            instance's now.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


def make_delivery(kernel: Kernel, settings: StageSettings, source: Source) -> Delivery:
    """The mode that the settings name."""
    if settings.delivery == "exactly-once":
        return ExactlyOnce(kernel, source, settings.transactional_id)
    if settings.delivery == "at-most-once":
        return AtMostOnce(kernel, source)
    return AtLeastOnce(kernel, source)


class AtLeastOnce:
    """Commit after: nothing is lost, and what was in flight at a kill is scored again."""

    def __init__(self, kernel: Kernel, source: Source) -> None:
        """The kernel's sink is all it needs."""
        self._sink = kernel.sink
        self._source = source

    async def start(self) -> None:
        """See ``Delivery``."""

    async def begin(self, records: Sequence[RawRecord]) -> bool:  # noqa: ARG002 - nothing is done before
        """See ``Delivery``."""
        return True

    async def send(self, outcome: BatchOutcome) -> Awaitable[bool]:
        """See ``Delivery``."""
        if not self._source.holds(outcome.records):
            return _nothing()
        return self._finish(outcome, await self._sink.enqueue(outcome))

    async def close(self) -> None:
        """See ``Delivery``."""

    async def _finish(self, outcome: BatchOutcome, acknowledged: Awaitable[None]) -> bool:
        await acknowledged
        self._source.acknowledge(outcome.records)
        return True


class AtMostOnce:
    """Commit before: nothing is scored twice, and what was in flight at a kill is lost."""

    def __init__(self, kernel: Kernel, source: Source) -> None:
        """A sink of its own, which gives up what the kernel's would send a second time."""
        self._sink = OnceSink(kernel.settings, kernel.variant, kernel.broker)
        self._source = source

    async def start(self) -> None:
        """See ``Delivery``."""
        await self._sink.start()

    async def begin(self, records: Sequence[RawRecord]) -> bool:
        """See ``Delivery``."""
        committed = await self._source.commit_before(records)
        if not committed:
            self._source.discard(records)
        return committed

    async def send(self, outcome: BatchOutcome) -> Awaitable[bool]:
        """See ``Delivery``."""
        return self._finish(outcome, await self._sink.enqueue(outcome))

    async def close(self) -> None:
        """See ``Delivery``."""
        await self._sink.close()

    async def _finish(self, outcome: BatchOutcome, acknowledged: Awaitable[None]) -> bool:
        await acknowledged
        self._source.discard(outcome.records)
        return True


class ExactlyOnce:
    """Commit together: for readers of committed records, nothing is lost and nothing is there twice.

    A transaction takes its time, however little is in it: the broker answers six times. So all that has been scored
    while one is under way goes into the next - what databases call a group commit. A batch that comes when
    none is under way waits for nothing.
    """

    def __init__(self, kernel: Kernel, source: Source, transactional_id: str | None) -> None:
        """A transactional sink of its own; None: its id is made of the group, the host and the port."""
        transactional_id = transactional_id or f"{kernel.group}-{socket.gethostname()}-{kernel.port}"
        self._sink = TransactionalSink(
            kernel.settings, kernel.variant, kernel.broker, kernel.group, source, transactional_id
        )
        self._source = source
        self._next = _Transaction()
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """See ``Delivery``."""
        await self._sink.start()

    async def begin(self, records: Sequence[RawRecord]) -> bool:  # noqa: ARG002 - the transaction begins with the sending
        """See ``Delivery``."""
        return True

    async def send(self, outcome: BatchOutcome) -> Awaitable[bool]:
        """See ``Delivery``."""
        self._next.batches.append(outcome)
        return self._finish(outcome, self._next)

    async def close(self) -> None:
        """See ``Delivery``."""
        await self._sink.close()

    async def _finish(self, outcome: BatchOutcome, transaction: "_Transaction") -> bool:
        async with self._one_at_a_time:
            if transaction is self._next:  # the first of its batches to get here sees to all of them
                self._next = _Transaction()
                transaction.committed = await self._sink.commit(transaction.batches)
                for each in transaction.batches:
                    self._source.discard(each.records)
        return any(each is outcome for each in transaction.committed)


@dataclass(slots=True)
class _Transaction:
    batches: list[BatchOutcome] = field(default_factory=list)
    committed: Sequence[BatchOutcome] = ()


class OnceSink(Sink):
    """Never resends a batch whose acknowledgement was lost: Kafka may have it.

    Dead letters are resent: for people, a duplicate does no harm. So is a batch that the broker has refused to a
    producer which another one may replace.
    """

    async def _acknowledged(self, sent: Sent) -> None:
        try:
            await sent.future
        except FAILURES as error:
            if is_transient(error) or isinstance(error, ProducerClosed):  # still in flight when its producer ended
                log.warning("scores_lost", scores=len(sent.messages), partition=sent.partition, reason=str(error))
            else:
                await super()._acknowledged(sent)


async def _nothing() -> bool:
    """Of a batch that is another instance's now."""
    return False
