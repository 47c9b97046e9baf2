"""Sends scores and dead letters to Kafka: whole batches, each acknowledged by all replicas."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError

from model.errors import ServingError
from serving.errors import BrokerRefused, ClockRefused
from serving.kafka.broker import Broker
from serving.kafka.clients import (
    FAILURES,
    RETRY_S,
    breaks_producer,
    close_quietly,
    give_up,
    is_transient,
    retry_until_answered,
)
from serving.kafka.sequence_numbers import idempotent_producer
from serving.scoring.bulk_encoding import Result, results
from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import MAX_KEY_BYTES, RejectedRecord
from serving.settings.server import Settings
from serving.settings.topics import LEAST_MESSAGE_BYTES, MAX_MESSAGE_BYTES

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PARTITION_TIMEOUT_S = 10.0
MAX_BATCH_BYTES = 512 * 1024
PRODUCE_OVERHEAD_BYTES = 64 * 1024
ATTEMPTS = 5
"""After this many producers in a row that broke, the fault is not the producer's: the error is raised."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A produce batch that is in flight, or has been refused."""

    partition: int
    messages: Sequence[Result]
    future: Awaitable[Any]
    producer: Any


@dataclass(frozen=True, slots=True)
class _Letter:
    """A dead letter as it is sent."""

    rejected: RejectedRecord
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def bytes(self) -> int:
        """An upper bound, in a produce batch of its own."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + LEAST_MESSAGE_BYTES // 4


class Sink:
    """Sends outcomes. Transient failures are retried until they succeed; a refusal is raised.

    Produce batches are as small as the topics want them (``max.message.bytes``, asked at the start).

    Idempotent: a produce batch whose acknowledgement is lost, as when the broker that leads its partition dies, is sent
    again and stored once. So the only duplicates are the records that are redelivered after a hand-over, and these can
    be told from the offsets that were committed. A producer id that means nothing to the broker any more is renewed.
    """

    def __init__(self, settings: Settings, variant: str, broker: Broker, **producer_options: Any) -> None:
        """Nothing is connected yet.

        Args:
            variant: names this server in its dead letters.
            broker: knows what the topics take, by the time of ``start``.
            producer_options: more for ``AIOKafkaProducer``.
        """
        self._topics = settings.topics
        self._variant = variant
        self._broker = broker
        self._options: dict[str, Any] = {
            "bootstrap_servers": settings.bootstrap_servers,
            **settings.security.for_aiokafka(),
            "acks": "all",
            "max_request_size": MAX_MESSAGE_BYTES + PRODUCE_OVERHEAD_BYTES,
            **producer_options,
        }
        self._producer: Any = None
        self._replacing = asyncio.Lock()
        self._broken_in_a_row = 0
        self._max_letter_bytes = MAX_MESSAGE_BYTES

    async def start(self) -> None:
        """Connect."""
        self._max_letter_bytes = min(self._max_letter_bytes, self._broker.max_message_bytes[self._topics.dead_letters])
        self._producer = await self._connected()

    async def close(self) -> None:
        """Send what is still buffered, and close."""
        if self._producer is not None:
            await close_quietly(self._producer.stop())

    async def enqueue(self, outcome: BatchOutcome) -> Awaitable[None]:
        """Hand a batch to the producer; calls in order keep the order of the scores in each partition.

        The exception is a batch that has waited for 40 s when its partition has no leader, or a producer that breaks:
        what was in flight is sent again, may be there twice then, and a later batch may come first.

        Returns:
            what to await until every score and every dead letter of the batch is acknowledged.
        Raises:
            BrokerRefused, ClockRefused: (also from the awaitable) the broker will never take this.
        """
        outcome = self._that_fits(outcome)
        sent: list[Sent] = []
        for partition, messages in results(outcome).items():
            sent += await self._send(messages, partition)
        return self._all_acknowledged(sent, outcome.rejected)

    async def dead_letter(self, rejected: RejectedRecord) -> None:
        """Publish the bytes as they came, with the reason and their origin in the headers; returns when acknowledged.

        Raises:
            BrokerRefused, ClockRefused: the broker will never take this.
        """
        await self._all_acknowledged([], [rejected])

    async def _connected(self) -> Any:
        scores_bytes = self._broker.max_message_bytes[self._topics.scores]
        connected = idempotent_producer(
            max_batch_size=min(MAX_BATCH_BYTES, scores_bytes, self._max_letter_bytes), **self._options
        )
        try:
            await retry_until_answered(connected.start)
        except BaseException:
            await close_quietly(connected.stop())
            raise
        return connected

    async def _all_acknowledged(self, sent: Sequence[Sent], rejected: Sequence[RejectedRecord]) -> None:
        letters = [(letter, *await self._send_letter(letter)) for letter in map(self._letter, rejected)]
        await asyncio.gather(*map(self._acknowledged, sent), *(self._letter_acknowledged(*each) for each in letters))
        self._broken_in_a_row = 0

    async def _send(self, messages: Sequence[Result], partition: int) -> list[Sent]:
        sent = []
        first = 0
        while first < len(messages):
            producer = self._producer
            batch = producer.create_batch()
            last = first
            while last < len(messages) and _append(batch, messages[last]):
                last += 1
            try:
                await self._check_partition(producer, partition)
                future = await producer.send_batch(batch, self._topics.scores, partition=partition)
            except FAILURES as error:
                await self._recover(error, self._topics.scores, producer)
                continue
            future.add_done_callback(_seen)
            sent.append(Sent(partition, messages[first:last], future, producer))
            first = last
        return sent

    async def _check_partition(self, producer: Any, partition: int) -> None:
        """It may be new, and not in the producer's metadata yet."""
        deadline_s = asyncio.get_running_loop().time() + PARTITION_TIMEOUT_S
        while partition not in await producer.partitions_for(self._topics.scores):
            if asyncio.get_running_loop().time() > deadline_s:
                raise BrokerRefused(f"writing to {self._topics.scores}", f"no partition {partition}")
            await producer.client.force_metadata_update()
            await asyncio.sleep(RETRY_S)

    async def _acknowledged(self, sent: Sent) -> None:
        try:
            await sent.future
        except FAILURES as error:  # for one, no leader when it had waited for 40 s
            await self._recover(error, self._topics.scores, sent.producer)
            for again in await self._send(sent.messages, sent.partition):
                await self._acknowledged(again)

    def _letter(self, rejected: RejectedRecord) -> _Letter:
        record = rejected.record
        # exercise[al-3]: the bytes as they came, and in the headers why they are here and where they are from
        headers = [
            ("reason", rejected.reason.encode()),
            ("topic", record.topic.encode()),
            ("partition", str(record.partition).encode()),
            ("offset", str(record.offset).encode()),
            ("variant", self._variant.encode()),
        ]
        # aiokafka takes no message without key and value; a tombstone without a key becomes an empty value.
        value = b"" if record.key is None and record.value is None else record.value
        letter = _Letter(rejected, record.key, value, headers)
        # end[al-3]
        if letter.bytes <= self._max_letter_bytes:
            return letter
        # It came compressed, or fills its own topic's limit; the headers say where it still can be read.
        omitted = ("omitted", b"key and value: larger than this topic takes")
        return _Letter(rejected, None, b"", [*headers, omitted])

    async def _send_letter(self, letter: _Letter) -> tuple[Awaitable[Any], Any]:
        while True:
            producer = self._producer
            try:
                future = await producer.send(
                    self._topics.dead_letters, letter.value, letter.key, headers=letter.headers
                )
            except FAILURES as error:
                await self._recover(error, self._topics.dead_letters, producer)
            else:
                future.add_done_callback(_seen)
                return future, producer

    async def _letter_acknowledged(self, letter: _Letter, future: Awaitable[Any], producer: Any) -> None:
        while True:
            try:
                await future
                return
            except FAILURES as error:
                if isinstance(error, MessageSizeTooLargeError) and letter.bytes > LEAST_MESSAGE_BYTES:
                    # The topic's limit is lower than it was at the start, or we were not allowed to ask for it.
                    self._max_letter_bytes = min(self._max_letter_bytes, letter.bytes - 1)
                    letter = self._letter(letter.rejected)
                else:
                    await self._recover(error, self._topics.dead_letters, producer)
            future, producer = await self._send_letter(letter)

    async def _recover(self, error: Exception, topic: str, producer: Any) -> None:
        """Return when the same may be sent again.

        Args:
            producer: which of ours has raised the error.
        Raises:
            BrokerRefused, ClockRefused: sending it again is of no use.
        """
        if breaks_producer(error):
            await self._replace(producer, error)
        elif is_transient(error):
            await asyncio.sleep(RETRY_S)
        else:
            raise refusal(topic, error) from error

    async def _replace(self, broken: Any, error: Exception) -> None:
        """Go on with a new producer, if nobody has seen to that yet."""
        async with self._replacing:
            if self._producer is not broken:
                return
            self._broken_in_a_row += 1
            if self._broken_in_a_row > ATTEMPTS:
                raise BrokerRefused(f"writing with {ATTEMPTS} producers, one after the other", repr(error)) from error
            log.warning("producer_replaced", reason=repr(error))
            await give_up(broken)
            self._producer = await self._connected()

    def _that_fits(self, outcome: BatchOutcome) -> BatchOutcome:
        """A score carries its record's key; with a key that makes it larger than its topic takes, it is rejected."""
        longest_key = self._broker.max_message_bytes[self._topics.scores] - LEAST_MESSAGE_BYTES
        if longest_key >= MAX_KEY_BYTES:
            return outcome
        reason = f"key longer than {longest_key} bytes: its score would be larger than {self._topics.scores} takes"
        scored: list[ScoredWines] = []
        rejected = list(outcome.rejected)
        for each in outcome.scored:
            fits = np.array([len(record.key or b"") <= longest_key for record in each.wines.records])
            too_long = each.wines.only(~fits).records
            rejected += [RejectedRecord(record, reason, each.wines.data_type) for record in too_long]
            if fits.any():
                scored.append(replace(each, wines=each.wines.only(fits), values=each.values[fits]))
        return replace(outcome, scored=scored, rejected=rejected)


def refusal(topic: str, error: Exception) -> ServingError:
    """What a broker's no to a message for this topic means."""
    if isinstance(error, InvalidTimestampError):
        return ClockRefused(topic, str(error))
    if isinstance(error, MessageSizeTooLargeError):
        return BrokerRefused(
            f"writing to {topic}", f"{error}; raise its max.message.bytes, and start this server again"
        )
    return BrokerRefused(f"writing to {topic}", str(error) or repr(error))


def _append(batch: Any, message: Result) -> bool:
    key, value = message
    return batch.append(key=key, value=value, timestamp=None) is not None


def _seen(future: asyncio.Future[Any]) -> None:
    """Where a batch is given up as a whole, nobody awaits each of its futures: asyncio need not complain."""
    if not future.cancelled():
        future.exception()
