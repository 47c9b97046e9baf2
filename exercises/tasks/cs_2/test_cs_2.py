"""Grades cs-2: commit on revoke."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from custom_stage.settings import StageSettings
from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.time import others_run, run
from exercises.played.wines import record
from serving.scoring.records import RawRecord

AT = TopicPartition("models_data", 0)
LIMIT_S = 600.0  # of played time
Batch = Sequence[RawRecord]


class Consumer:
    """Has one partition, reads what it is given, and keeps what is committed."""

    def __init__(self) -> None:
        self.fetches: list[Batch] = []
        self.committed: list[int] = []
        self.state = SimpleNamespace(has_valid_position=True, position=0)
        assignment = SimpleNamespace(tps={AT}, state_value=lambda _partition: self.state)
        self._subscription = SimpleNamespace(
            subscription=SimpleNamespace(assignment=assignment), fetch_context=nullcontext
        )
        self._coordinator = SimpleNamespace(
            generation=1,
            fetch_committed_offsets=self._fetch_committed,
            ensure_coordinator_known=self._coordinator_is_known,
            _commit_lock=asyncio.Lock(),
            _do_commit_offsets=self._commit_once,
        )

    async def _fetch_committed(self, _partitions: object) -> Mapping[TopicPartition, OffsetAndMetadata]:
        return {AT: OffsetAndMetadata(0, "")}

    def assignment(self) -> set[TopicPartition]:
        """Of aiokafka's consumer."""
        return {AT}

    async def getmany(self, **_limits: object) -> Mapping[TopicPartition, Batch]:
        """Of aiokafka's consumer."""
        await asyncio.sleep(0)
        if not self.fetches:
            return {}
        fetched = self.fetches.pop(0)
        self.state.position = fetched[-1].offset + 1
        return {AT: fetched}

    def seek(self, _partition: TopicPartition, offset: int) -> None:
        """Of aiokafka's consumer."""
        self.state.position = offset

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]] | None = None) -> None:
        """Of aiokafka's consumer: the positions, if no offsets are given."""
        await asyncio.sleep(0)
        self.committed.append(self.state.position if offsets is None else offsets[AT][0])

    async def _coordinator_is_known(self) -> None: ...

    async def _commit_once(self, _assignment: None, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        await self.commit({partition: (at.offset, at.metadata) for partition, at in offsets.items()})


class Broker:
    """Its data topic stays the same."""

    data_topic_id = "first"

    async def find_data_topic_id(self) -> str:
        """Of the broker."""
        return self.data_topic_id


class Event(asyncio.Event):
    """Notes who waits for what has happened already; it gives way to other tasks, so that a loop over it ends."""

    spins = 0

    async def wait(self) -> Literal[True]:
        """Of the event."""
        self.spins += self.is_set()
        await asyncio.sleep(0.1)
        return await super().wait()


Scene = Callable[[Any, Consumer], Coroutine[Any, Any, None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs a scene with a source that has its partition."""
    module: Any = answer.load()
    consumer = Consumer()
    module.consumer = lambda **_options: consumer

    async def limited(scene: Scene) -> None:
        source = module.Source(StageSettings.read("a server", []), "group", Broker())
        source._topic_id = Broker.data_topic_id
        source._drained = Event()
        await source.on_partitions_assigned([AT])
        try:
            async with asyncio.timeout(LIMIT_S) as limit:
                await scene(source, consumer)
        except TimeoutError:
            if not limit.expired():
                raise
            reject(
                "The revocation never ends.",
                expected=f"it ends after {module.REVOKE_TIMEOUT_S:g} s at the latest",
                happened=f"nothing for {LIMIT_S:g} s",
                means="the whole group waits, and then gives this instance up",
            )

    return lambda scene: run(limited(scene))


async def fetched(source: Any, consumer: Consumer, first: int, last: int) -> Batch:
    """A batch with these offsets is in flight."""
    consumer.fetches.append([record(0, offset, 9.4) for offset in range(first, last + 1)])
    while not (read := await source.fetch()):
        await others_run()
    records: Batch = read
    return records


def revoked(source: Any) -> "asyncio.Task[None]":
    return asyncio.create_task(source.on_partitions_revoked([AT]))


def test_what_is_acknowledged_is_committed(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        source.acknowledge(await fetched(source, consumer, 0, 4))
        await revoked(source)
        expect(
            consumer.committed == [5],
            "Records that were scored before the revocation were not committed.",
            expected="records 0 to 4 are acknowledged: offset 5 is committed",
            happened=f"committed: {consumer.committed or 'nothing'}",
            means="the next owner of the partition scores them again, at every rebalance",
        )

    play(scene)


def test_what_is_in_flight_is_waited_for(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        source.acknowledge(await fetched(source, consumer, 0, 4))
        in_flight = await fetched(source, consumer, 5, 9)
        revoking = revoked(source)
        await others_run()
        await asyncio.sleep(1.0)
        expect(
            not revoking.done(),
            "The partition was handed over while a batch was in flight.",
            expected="records 5 to 9 are not acknowledged yet: the revocation waits",
            happened="it ended within a second",
            means="the batch in flight is scored by two instances, at every rebalance",
        )
        source.acknowledge(in_flight)
        await revoking
        expect(
            consumer.committed[-1:] == [10],
            "A batch that was finished during the revocation was not committed.",
            expected="records 5 to 9 were acknowledged a second later: offset 10 is committed",
            happened=f"committed: {consumer.committed or 'nothing'}",
            means="the wait was in vain: the next owner scores that batch again",
        )
        spins = source._drained.spins
        expect(
            not spins,
            "The wait spins: the event is still set from an earlier batch.",
            expected="self._drained is cleared before each wait",
            happened=f"{spins} waits that returned at once",
            means="the event loop is never free, no acknowledgement arrives, and the group gives us up",
        )

    play(scene)


def test_the_wait_ends_as_soon_as_all_is_acknowledged(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        loop = asyncio.get_running_loop()
        in_flight = await fetched(source, consumer, 0, 4)
        began_s = loop.time()
        loop.call_later(1.0, source.acknowledge, in_flight)
        await revoked(source)
        took_s = loop.time() - began_s
        expect(
            took_s < 2.0,
            "The revocation goes on although nothing is in flight any more.",
            expected="the last batch is acknowledged after 1 s: it ends then",
            happened=f"it ended after {took_s:.1f} s",
            means="the whole group stands still meanwhile: a rebalance ends when its last member is ready",
        )

    play(scene)


def test_nothing_is_fetched_meanwhile(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        in_flight = await fetched(source, consumer, 0, 4)
        consumer.fetches.append([record(0, 5, 9.4)])
        revoking = revoked(source)
        await others_run()
        more: list[Batch] = [await source.fetch() for _ in range(3)]
        expect(
            not any(more),
            "A new batch was fetched during the revocation.",
            expected="self._may_fetch is cleared: fetch gives nothing until partitions are assigned again",
            happened="fetch gave record 5",
            means="there is always one more batch in flight, and the wait never ends",
        )
        source.acknowledge(in_flight)
        await revoking
        expect(
            not await source.fetch(),
            "After the revocation, and before the next assignment, a batch was fetched.",
            expected="fetch gives nothing until partitions are assigned again",
            happened="fetch gave record 5",
            means="record 5 is another instance's by now, and is scored twice",
        )

    play(scene)


def test_what_was_read_ahead_is_not_taken(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        in_flight = await fetched(source, consumer, 0, 4)
        before = source.generation
        revoking = revoked(source)
        await others_run()
        generation = source.generation
        source.acknowledge(in_flight)
        await revoking
        expect(
            generation > before,
            "Batches that were read ahead still count as ours during the revocation.",
            expected=f"read under generation {before}; while the revocation waits it is higher",
            happened=f"generation {generation}",
            means="with drop-oldest or spill, batches are put in flight that another instance will score",
        )

    play(scene)


def test_a_batch_that_comes_in_flight_meanwhile_is_waited_for(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        first = await fetched(source, consumer, 0, 4)
        revoking = revoked(source)
        await asyncio.sleep(1.0)
        late = [record(0, 5, 9.4)]
        source.acknowledge(first)
        source.take(late)
        await asyncio.sleep(1.0)
        expect(
            not revoking.done(),
            "A batch of a fetch that was under way was left in flight.",
            expected="self._ledger.empty is asked again after each wait",
            happened="records 0 to 4 were acknowledged, and record 5 was not waited for",
            means="that batch is scored by two instances",
        )
        source.acknowledge(late)
        await revoking

    play(scene)


def test_a_member_that_was_given_up_waits_for_nothing(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        source.acknowledge(await fetched(source, consumer, 0, 4))
        await fetched(source, consumer, 5, 9)
        consumer._coordinator.generation = -1
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await revoked(source)
        took_s = loop.time() - began_s
        expect(
            took_s < 1.0 and not consumer.committed,
            "A member that the group gave up waits for its batches, or commits them.",
            expected="self._was_given_up: it ends at once, and commits nothing",
            happened=f"it took {took_s:.1f} s; committed: {consumer.committed or 'nothing'}",
            means="other instances score these records already; its commit would move their offsets back",
        )

    play(scene)


def test_a_batch_that_is_never_acknowledged_is_not_committed(play: Play) -> None:
    async def scene(source: Any, consumer: Consumer) -> None:
        await fetched(source, consumer, 0, 4)
        await revoked(source)
        expect(
            not consumer.committed,
            "Offsets were committed of a batch that was never acknowledged.",
            expected="records 0 to 4 have no acknowledged score after 5 s: nothing is committed",
            happened=f"committed: {consumer.committed}",
            means="nobody scores these records again: they are lost",
        )

    play(scene)
