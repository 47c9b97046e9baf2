"""A producer that has sent as many messages to a partition as there are sequence numbers."""

import asyncio

from aiokafka import TopicPartition

from client.broker.embedded_kafka import EmbeddedKafka
from serving.kafka.sequence_numbers import idempotent_producer
from serving.settings.topics import Topics

MAX_SEQUENCE_NUMBER = 2_147_483_647  # Kafka documentation, "Protocol Primitive Types": an INT32
BATCHES = 4
MESSAGES = 3  # of which the second batch has some before the last number, and some behind it


def test_behind_the_last_sequence_number_an_idempotent_producer_goes_on(broker: EmbeddedKafka, topics: Topics) -> None:
    async def offsets() -> list[int]:
        async with idempotent_producer(bootstrap_servers=broker.bootstrap_servers) as sending:
            counted = sending._txn_manager._sequence_numbers
            counted[TopicPartition(topics.scores, 0)] = MAX_SEQUENCE_NUMBER - MESSAGES - 1
            stored = []
            for _ in range(BATCHES):
                batch = sending.create_batch()
                for _ in range(MESSAGES):
                    batch.append(key=b"wine", value=b"7.5", timestamp=None)
                stored.append((await (await sending.send_batch(batch, topics.scores, partition=0))).offset)
            return stored

    assert asyncio.run(offsets()) == [number * MESSAGES for number in range(BATCHES)]
