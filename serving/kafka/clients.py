"""Starting and closing Kafka clients in any state of theirs and the broker's; which errors are transient."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalOperation,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    KafkaTimeoutError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    RebalanceInProgressError,
    UnknownMemberIdError,
    UnknownProducerId,
)
from aiokafka.structs import OffsetAndMetadata

CLOSE_TIMEOUT_S = 1.0
RETRY_S = 0.5
FETCH_MAX_WAIT_MS = 200
"""How long the broker may hold an empty fetch. Other requests on the same connection, such as those for a partition's
first and last offset, queue behind it: at every start and rebalance."""

FENCED = (ProducerFenced, InvalidProducerEpoch)
"""The broker gave our transaction up, or another producer came with our transactional id."""

BROKEN = (
    *FENCED,
    AssertionError,  # aiokafka's, where its transaction has ended meanwhile
    IllegalOperation,  # likewise
    InvalidProducerIdMapping,  # the broker forgot a transactional id that was not used for days
    InvalidTxnState,
    OutOfOrderSequenceNumber,  # aiokafka counts on after a batch that was not taken
    ProducerClosed,
    UnknownProducerId,
)

FAILURES = (KafkaError, IllegalOperation, AssertionError)
"""What an aiokafka producer raises."""

T = TypeVar("T")


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed: the broker is away or busy, and did not refuse."""
    return isinstance(error, KafkaTimeoutError) or (isinstance(error, KafkaError) and bool(error.retriable))


def breaks_producer(error: Exception) -> bool:
    """Whether this producer is broken, while a new one may succeed."""
    # The plain class is what aiokafka raises once its sender has ended by an error; the error itself is lost.
    return isinstance(error, BROKEN) or type(error) is KafkaError


async def retry_until_answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask as often as it takes: at a start the broker may be lost between one client's first words and the next's.

    Raises:
        KafkaError: the broker said no.
    """
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(RETRY_S)


async def close_quietly(stopping: Coroutine[Any, Any, object], timeout_s: float = CLOSE_TIMEOUT_S) -> None:
    """Wait for a client to stop, but not for long; what goes wrong on the way out is nobody's concern any more.

    As a task of its own: aiokafka's ``stop`` can raise the CancelledError of one of its inner tasks, which, awaited
    here, would look as if this task had been cancelled.
    """
    task = asyncio.ensure_future(stopping)
    await asyncio.wait([task], timeout=timeout_s)
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()  # seen, so that asyncio does not complain of it at exit


async def give_up(producer: Any) -> None:
    """Stop a broken ``AIOKafkaProducer``; what has no answer then ends with ``ProducerClosed``.

    aiokafka's ``stop`` leaves a batch without an end that came while it flushed, or was in flight behind the one that
    broke the producer: who awaits it would wait for ever.
    """
    await close_quietly(producer.stop())
    producer._message_accumulator.fail_all(ProducerClosed())


def generation_of(consumer: Any) -> int:
    """Which generation of its group an ``AIOKafkaConsumer`` is a member of; below 0: the group has given it up."""
    return int(consumer._coordinator.generation)


async def commit_in_generation(
    consumer: Any, generation: int, offsets: Mapping[TopicPartition, OffsetAndMetadata]
) -> None:
    """Commit an ``AIOKafkaConsumer``'s offsets as a member of the generation in which their records were read; once.

    aiokafka's own ``commit`` tries again for as long as it takes, each time in the generation of that moment. By then
    another instance may have had these partitions, and be far ahead: the group would take the commit, and go back.

    Raises:
        CommitFailedError: the group has been rebalanced, or has given us up.
        KafkaError: any other failure.
    """
    coordinator = consumer._coordinator

    async def commit() -> None:
        if generation < 0 or coordinator.generation != generation or not offsets.keys() <= consumer.assignment():
            raise CommitFailedError("the group has been rebalanced")
        await coordinator._do_commit_offsets(None, offsets)

    try:
        await coordinator.ensure_coordinator_known()
        async with coordinator._commit_lock:
            await asyncio.shield(commit())
    except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
        raise CommitFailedError(repr(error)) from error


def positions(consumer: Any) -> dict[TopicPartition, int]:
    """By assigned partition, the next offset that an ``AIOKafkaConsumer`` reads; missing where it is not known yet.

    This passes what is no record: the markers at which a transaction ends, and what an aborted one wrote. The last
    record's offset + 1 does not. (aiokafka's own ``position`` would wait where it is not known.)
    """
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return {}
    states = {each: subscription.assignment.state_value(each) for each in subscription.assignment.tps}
    return {partition: state.position for partition, state in states.items() if state.has_valid_position}


def lags(consumer: Any) -> dict[TopicPartition, int]:
    """By assigned partition, how many offsets lie before the end of what may be read, as far as the last fetch told.

    That is the last stable offset, as in Kafka's own ``records-lag`` of a consumer that reads what is committed.
    """
    ends = {partition: consumer.last_stable_offset(partition) for partition in positions(consumer)}
    return {
        partition: max(0, ends[partition] - position)
        for partition, position in positions(consumer).items()
        if ends[partition] is not None
    }
