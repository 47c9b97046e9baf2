"""What Kafka and aiokafka do not fence in a transaction: a member of the group that was given up.

``custom_stage/delivery/transactional_sink.py`` says so, and sees to it otherwise. The day one of these
tests fails, the library does it itself, and what is said and done there may go.
"""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Named

from client.broker.embedded_kafka import EmbeddedKafka
from serving.settings.topics import Topics
from tests.support.process import DEADLINE_S, eventually
from tests.support.stream import Stream

UNSETTLED_S = 1.0


def librdkafka(servers: str, group: str) -> Any:
    """A consumer that takes over and asks for commits, on threads of its own."""
    return Consumer({"bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False, "log_level": 0})


def read_ahead(stream: Stream) -> Any:
    """An aiokafka consumer whose group misses it after a second."""
    return AIOKafkaConsumer(
        stream.topics.data,
        bootstrap_servers=stream.bootstrap_servers,
        group_id=stream.prefix,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=1000,
        heartbeat_interval_ms=200,
    )


def test_offsets_of_a_member_that_was_given_up_are_taken_in_a_transaction_and_nowhere_else(
    broker: EmbeddedKafka, topics: Topics
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    at, name = TopicPartition(topics.data, 0), f"{stream.prefix}-given-up"
    stream.publish_wines(["one"], partition=0)

    async def scene() -> None:
        async with (
            read_ahead(stream) as given_up,
            AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, transactional_id=name) as producer,
        ):
            await given_up.getone()
            other = librdkafka(broker.bootstrap_servers, stream.prefix)
            other.subscribe([topics.data])

            def has_all() -> bool:
                other.poll(0.05)
                return len(other.assignment()) == len(stream.committed(stream.prefix))

            # This blocks the event loop: to its group the first consumer stands still, until it is given up.
            eventually(has_all, "the other consumer had all partitions")
            with pytest.raises(CommitFailedError):
                await given_up.commit({at: 1})
            async with producer.transaction():
                await producer.send_and_wait(topics.scores, b"", partition=0)
                await producer.send_offsets_to_transaction({at: 1}, stream.prefix)
            await asyncio.to_thread(other.close)

    asyncio.run(scene())
    assert stream.committed(stream.prefix)[0] == 1


def test_aiokafka_takes_offsets_that_a_transaction_is_about_to_change_and_librdkafka_waits(
    broker: EmbeddedKafka, topics: Topics
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    at, group = TopicPartition(topics.data, 0), stream.prefix

    async def scene() -> None:
        other = librdkafka(broker.bootstrap_servers, group)

        def asked(timeout_s: float) -> int:
            (answer,) = other.committed([Named(at.topic, at.partition)], timeout_s)
            return int(answer.offset)

        async with (
            AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers, group_id=group) as new_owner,
            AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, transactional_id=f"{group}-open") as producer,
        ):
            async with producer.transaction():
                await producer.send_and_wait(topics.scores, b"", partition=0)
                await producer.send_offsets_to_transaction({at: 1}, group)
                assert await new_owner.committed(at) is None
                with pytest.raises(KafkaException) as refusal:
                    await asyncio.to_thread(asked, UNSETTLED_S)
                assert refusal.value.args[0].code() == KafkaError._TIMED_OUT
            assert await asyncio.to_thread(asked, DEADLINE_S) == 1
            assert await new_owner.committed(at) == 1
        other.close()

    asyncio.run(scene())
