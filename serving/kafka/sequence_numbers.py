"""aiokafka's idempotent producers, made to count on after 2,147,483,647 messages in a partition, as Java's do: with 0.

aiokafka 0.14 counts on with -2,147,483,648. The broker refuses that, so a producer would end for good after some days
at 10,000 scores a second.

It replaces a private name of aiokafka, which is why ``constraints.txt`` pins the version.
"""

from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer.transaction_manager import TransactionManager

SEQUENCE_NUMBERS = 2**31
"""Source: Kafka, ``DefaultRecordBatch.incrementSequence``."""


def idempotent_producer(**settings: Any) -> Any:
    """An ``AIOKafkaProducer`` that never runs out of sequence numbers."""
    TransactionManager.increment_sequence_number = _increment_sequence_number
    return AIOKafkaProducer(enable_idempotence=True, **settings)


def _increment_sequence_number(self: Any, partition: TopicPartition, messages: int) -> None:
    self._sequence_numbers[partition] = (self._sequence_numbers[partition] + messages) % SEQUENCE_NUMBERS
