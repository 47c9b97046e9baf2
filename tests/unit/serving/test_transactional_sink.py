"""A transaction while partitions are taken away, with the library's producer played."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition

from serving.records import Record
from serving.serve import ServedBatch
from serving.settings import Settings
from serving.transactional_sink import TransactionalSink

SERVED = ServedBatch([Record("models_data", 0, 7, 0, None, b"")], [], [], [])


class Source:
    """Holds every batch, until it is told that all partitions went."""

    def __init__(self) -> None:
        self.ours = True

    def holds(self, _records: object) -> bool:
        return self.ours

    def next_offsets(self, _records: object) -> Mapping[TopicPartition, int]:
        return {TopicPartition("models_data", 0): 8} if self.ours else {}

    async def is_member(self) -> bool:
        return True


class Producer:
    """While a transaction begins, all partitions are taken away, if so told."""

    def __init__(self, source: Source, *, taken_away: bool) -> None:
        self._source, self._taken_away = source, taken_away
        self.ended: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._source.ours = not self._taken_away
        try:
            yield
        except BaseException:
            self.ended.append("aborted")
            raise
        self.ended.append("committed")

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], _group: str) -> None:
        if not offsets:
            raise ValueError(offsets)  # as aiokafka does


def committed(*, taken_away: bool) -> tuple[Sequence[ServedBatch], list[str]]:
    """What was committed of one batch, and how its transactions ended."""

    async def commit() -> tuple[Sequence[ServedBatch], list[str]]:
        source = Source()
        settings = Settings.read("program", [])
        sink = TransactionalSink(settings, "custom_stage", "group", source, "id")  # type: ignore[arg-type]
        await sink.close()  # the real one
        sink._producer = producer = Producer(source, taken_away=taken_away)
        return await sink.commit([SERVED]), producer.ended

    return asyncio.run(commit())


def test_a_batch_that_stays_ours_is_committed() -> None:
    assert committed(taken_away=False) == ([SERVED], ["committed"])


def test_a_batch_that_is_taken_away_while_its_transaction_begins_is_dropped_and_nothing_is_committed() -> None:
    assert committed(taken_away=True) == ([], ["aborted"])
