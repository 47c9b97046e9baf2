"""Commits are made in the generation of the group in which the records were read; the library's consumer is played."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaConnectionError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from serving.kafka.clients import commit_in_generation, generation_of

AT = TopicPartition("wines", 0)
OFFSETS = {AT: OffsetAndMetadata(5, "")}


class Consumer:
    """A member of generation 1 with one partition; its coordinator is not known before ``found`` is set."""

    def __init__(self, ends: KafkaError | None = None) -> None:
        self.found = asyncio.Event()
        self.committed: list[Any] = []
        self.assigned = {AT}
        self._ends = ends
        self._coordinator = SimpleNamespace(
            generation=1,
            ensure_coordinator_known=self.found.wait,
            _commit_lock=asyncio.Lock(),
            _do_commit_offsets=self._commit,
        )

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def rebalanced(self, generation: int) -> None:
        self._coordinator.generation = generation

    async def _commit(self, _assignment: None, offsets: Any) -> None:
        if self._ends is not None:
            raise self._ends
        self.committed.append(offsets)


async def committed_after(consumer: Consumer, generation: int) -> list[Any]:
    """What is committed when the group has come to this generation before the coordinator answers."""
    committing = asyncio.ensure_future(commit_in_generation(consumer, generation_of(consumer), OFFSETS))
    await asyncio.sleep(0)
    consumer.rebalanced(generation)
    consumer.found.set()
    await committing
    return consumer.committed


def test_in_the_generation_of_its_records_a_commit_is_made() -> None:
    async def act() -> None:
        assert await committed_after(Consumer(), 1) == [OFFSETS]

    asyncio.run(act())


def test_in_a_later_generation_it_is_not() -> None:
    async def act() -> None:
        consumer = Consumer()
        with pytest.raises(CommitFailedError):
            await committed_after(consumer, 2)
        assert consumer.committed == []

    asyncio.run(act())


def test_who_was_given_up_commits_nothing_though_an_empty_group_would_take_it() -> None:
    async def act() -> None:
        consumer = Consumer()
        consumer.rebalanced(-1)
        with pytest.raises(CommitFailedError):
            await committed_after(consumer, -1)
        assert consumer.committed == []

    asyncio.run(act())


def test_a_partition_that_is_another_ones_now_is_not_committed() -> None:
    async def act() -> None:
        consumer = Consumer()
        consumer.assigned = set()
        with pytest.raises(CommitFailedError):
            await committed_after(consumer, 1)
        assert consumer.committed == []

    asyncio.run(act())


@pytest.mark.parametrize("answer", [UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError])
def test_what_a_rebalanced_group_answers_is_one_error(answer: type[KafkaError]) -> None:
    async def act() -> None:
        with pytest.raises(CommitFailedError):
            await committed_after(Consumer(answer()), 1)

    asyncio.run(act())


def test_a_lost_connection_is_told_and_not_tried_again() -> None:
    async def act() -> None:
        with pytest.raises(KafkaConnectionError):
            await committed_after(Consumer(KafkaConnectionError()), 1)

    asyncio.run(act())
