"""Where to go on in partitions that another instance had: aiokafka does not ask whether it left something undecided."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka import TopicPartition
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Named

from serving.settings.server import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAIT_S = 1.0


class DecidedOffsets:
    """Holds up an aiokafka consumer until the transactions of its partitions' last owners are decided.

    Source: KIP-447, "Producer scalability for exactly once semantics". librdkafka asks the broker for offsets that no
    open transaction is about to change; aiokafka 0.14 cannot.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        """Connects at the first question."""
        self._settings = settings
        self._group = group
        self._partitions: frozenset[TopicPartition] = frozenset()
        self._librdkafka: Any = None

    @property
    def awaited(self) -> bool:
        """Whether what the consumer reads now is from offsets that may still change."""
        return bool(self._partitions)

    def await_for(self, assigned: Iterable[TopicPartition]) -> None:
        """These partitions, and no others, have just been assigned."""
        self._partitions = frozenset(assigned)

    async def reach(self, consumer: Any, topic_id: str) -> None:
        """Wait a second at most; if all is decided by then, the consumer goes on from there.

        Args:
            topic_id: what was committed with the id of another topic of this name counts for nothing.
        """
        asked = self._partitions
        if not asked:
            return
        offsets = await self.committed(asked, topic_id)
        if self._partitions is not asked or not asked <= consumer.assignment():
            return  # there has been another assignment meanwhile, or the client has it and is about to tell us
        if offsets is None:
            log.info("offsets_undecided", partitions=sorted(each.partition for each in asked))
            return
        for partition, offset in offsets.items():
            consumer.seek(partition, offset)
        if fresh := asked - offsets.keys():
            await consumer.seek_to_beginning(*fresh)
        if self._partitions is asked:
            self._partitions = frozenset()

    async def committed(self, partitions: Iterable[TopicPartition], topic_id: str) -> dict[TopicPartition, int] | None:
        """What the group has committed of these, for the topic with this id; None: not decided within a second."""
        return await asyncio.to_thread(self._committed, partitions, topic_id)

    async def close(self) -> None:
        """Disconnect."""
        if self._librdkafka is not None:
            await asyncio.to_thread(self._librdkafka.close)

    def _committed(self, partitions: Iterable[TopicPartition], topic_id: str) -> dict[TopicPartition, int] | None:
        if self._librdkafka is None:
            self._librdkafka = Consumer(
                {
                    "bootstrap.servers": self._settings.bootstrap_servers,
                    **self._settings.security.for_librdkafka(),
                    "group.id": self._group,  # never joined: nothing subscribes
                    "isolation.level": "read_committed",  # with this it asks
                    "enable.auto.commit": False,
                    "log_level": 0,
                    "error_cb": lambda _: None,  # an outage is said once, by the kernel
                }
            )
        asked = [Named(each.topic, each.partition) for each in partitions]
        try:
            answered = self._librdkafka.committed(asked, WAIT_S)
        except KafkaException:
            return None
        if any(each.error is not None for each in answered):
            return None
        return {
            TopicPartition(each.topic, each.partition): each.offset
            for each in answered
            if each.offset >= 0 and each.metadata in (None, "", topic_id)
        }
