"""Scores and dead letters on their way to Kafka: whole batches, each acknowledged by all replicas."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from serving.errors import BrokerRefused
from serving.kafka_clients import RETRY_S, answered, closed, passes
from serving.records import RejectedRecord
from serving.results import Result, results
from serving.serve import ServedBatch
from serving.settings import Settings
from serving.topics import MAX_MESSAGE_BYTES

PARTITION_TIMEOUT_S = 10.0
MAX_BATCH_BYTES = 512 * 1024
PRODUCE_OVERHEAD_BYTES = 64 * 1024


class Sink:
    """The way out. Whatever Kafka can take again later is sent again, for ever; a refusal is raised.

    Not idempotent on purpose: a redelivered record is scored and sent again anyway, so it would spare no reader the
    duplicates, and a producer id does not outlive a broker whose data was wiped.
    """

    def __init__(self, settings: Settings, variant: str, **producer_options: Any) -> None:
        """Nothing is connected yet.

        Args:
            variant: names this server in its dead letters.
            producer_options: more for ``AIOKafkaProducer``.
        """
        self._topics, self._variant = settings.topics, variant
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap_servers,
            **settings.security.for_aiokafka(),
            acks="all",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES + PRODUCE_OVERHEAD_BYTES,
            **producer_options,
        )

    async def start(self) -> None:
        """Connect."""
        await answered(self._producer.start)

    async def close(self) -> None:
        """Send what is still buffered, and close."""
        await closed(self._producer.stop())

    async def enqueue(self, served: ServedBatch) -> Awaitable[None]:
        """Hand a batch to the producer; calls in order keep the order of the scores in each partition.

        The exception is an outage longer than the producer's own retries, 40 s: what was in flight is sent again, and
        a later batch may come first.

        Returns:
            what to await until every score and every dead letter of the batch is acknowledged.
        Raises:
            BrokerRefused: (also from the awaitable) the broker will never take this, such as a missing permission.
        """
        sent = []
        for partition, messages in results(served).items():
            for future, chunk in await self._send(messages, partition):
                sent.append(self._acknowledged(future, chunk, partition))
        return self._settle(sent, served.rejected)

    async def dead_letter(self, rejected: RejectedRecord) -> None:
        """Publish the bytes as they came, with the reason and their origin in the headers; returns when acknowledged.

        Raises:
            BrokerRefused: the broker will never take this.
        """
        record = rejected.record
        headers = {
            "reason": rejected.reason,
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "variant": self._variant,
        }
        # aiokafka takes no message without key and value; a tombstone without a key becomes an empty value.
        key, value = record.key, b"" if record.key is None and record.value is None else record.value
        while True:
            encoded = [(name, text.encode()) for name, text in headers.items()]
            try:
                await self._producer.send_and_wait(self._topics.dead_letters, value, key, headers=encoded)
                return
            except MessageSizeTooLargeError as error:
                if "omitted" in headers:
                    raise BrokerRefused(f"writing to {self._topics.dead_letters}", str(error)) from error
                # It came compressed, or fills its own topic's limit; the headers say where it still can be read.
                key, value, headers["omitted"] = None, b"", "key and value: larger than this topic takes"
            except KafkaError as error:
                await self._back_off(error)

    async def _settle(self, sent: Sequence[Awaitable[None]], rejected: Sequence[RejectedRecord]) -> None:
        await asyncio.gather(*sent, *(self.dead_letter(record) for record in rejected))

    async def _send(
        self, messages: Sequence[Result], partition: int
    ) -> list[tuple[asyncio.Future[Any], Sequence[Result]]]:
        sent, first = [], 0
        while first < len(messages):
            batch, last = self._producer.create_batch(), first
            while last < len(messages) and _append(batch, messages[last]):
                last += 1
            future = await self._send_batch(batch, partition)
            sent.append((future, messages[first:last]))
            first = last
        return sent

    async def _send_batch(self, batch: Any, partition: int) -> asyncio.Future[Any]:
        deadline_s = asyncio.get_running_loop().time() + PARTITION_TIMEOUT_S
        while True:
            try:
                future: asyncio.Future[Any] = await self._producer.send_batch(
                    batch, self._topics.scores, partition=partition
                )
                return future
            except KafkaError as error:  # the producer's buffer stayed full: the broker is away
                await self._back_off(error)
            except AssertionError:  # aiokafka's way to say that its metadata has no such partition: it may be new
                if asyncio.get_running_loop().time() > deadline_s:
                    raise BrokerRefused(f"writing to {self._topics.scores}", f"no partition {partition}") from None
                await self._producer.client.force_metadata_update()
                await asyncio.sleep(RETRY_S)

    async def _acknowledged(self, future: asyncio.Future[Any], messages: Sequence[Result], partition: int) -> None:
        try:
            await future
        except KafkaError as error:  # an outage longer than the producer's own retries
            await self._back_off(error)
            for again, chunk in await self._send(messages, partition):
                await self._acknowledged(again, chunk, partition)

    async def _back_off(self, error: KafkaError) -> None:
        if not passes(error):
            raise BrokerRefused(
                f"writing to {self._topics.scores} or {self._topics.dead_letters}", str(error)
            ) from error
        await asyncio.sleep(RETRY_S)


def _append(batch: Any, message: Result) -> bool:
    key, value = message
    return batch.append(key=key, value=value, timestamp=None) is not None
