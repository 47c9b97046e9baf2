"""What each policy does with batches that come faster than they are asked for; the source is played."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from custom_stage.delivery.source import Source
from custom_stage.overflow.metrics import OverflowMetrics
from custom_stage.overflow.policies import RECORD_OVERHEAD_BYTES, DropOldest, Overflow, Spill, Wait
from custom_stage.overflow.spill_file import SpillFile
from serving.scoring.records import RawRecord, Record

VALUE = b"v" * 100
RECORD_BYTES = len(VALUE) + RECORD_OVERHEAD_BYTES
TURNS = 50


def batch(first: int, records: int = 2) -> Sequence[RawRecord]:
    return [Record("data", 0, first + number, 0, None, VALUE) for number in range(records)]


class PlayedSource:
    """Reads what it is given, and remembers what is said of it."""

    def __init__(self, *batches: Sequence[RawRecord]) -> None:
        self.generation = 1
        self.unread = list(batches)
        self.taken: list[Sequence[RawRecord]] = []
        self.passed_over: list[Sequence[RawRecord]] = []

    async def read(self) -> Sequence[RawRecord]:
        await asyncio.sleep(0)
        return self.unread.pop(0) if self.unread else []

    async def fetch(self) -> Sequence[RawRecord]:
        if records := await self.read():
            self.take(records)
        return records

    def take(self, records: Sequence[RawRecord]) -> None:
        self.taken.append(records)

    def pass_over(self, records: Sequence[RawRecord]) -> None:
        self.passed_over.append(records)


class Meters:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = OverflowMetrics(self.registry)

    def __getitem__(self, name: str) -> float:
        value = self.registry.get_sample_value(f"serving_overflow_{name}")
        assert value is not None
        return value


async def all_read(source: PlayedSource) -> None:
    """Until nothing more is read, or the policy waits."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def play(policy: Overflow, act: Callable[[], Awaitable[None]]) -> None:
    async def scene() -> None:
        running = asyncio.create_task(policy.run())
        try:
            await act()
        finally:
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(scene())


def test_wait_reads_only_when_it_is_asked() -> None:
    source, meters = PlayedSource(batch(0), batch(2)), Meters()
    policy = Wait(cast(Source, source), meters.metrics)

    async def act() -> None:
        await all_read(source)
        assert len(source.unread) == 2
        assert await policy.next() == batch(0)
        assert source.unread == [batch(2)]

    play(policy, act)
    assert source.taken == [batch(0)]


def test_drop_oldest_keeps_the_youngest_and_has_the_others_passed_over_in_order() -> None:
    source, meters = PlayedSource(*(batch(first) for first in range(0, 10, 2))), Meters()
    policy = DropOldest(cast(Source, source), meters.metrics, most_bytes=2 * 2 * RECORD_BYTES)

    async def act() -> None:
        await all_read(source)
        assert source.unread == []
        assert source.passed_over == [batch(0), batch(2), batch(4)]
        assert meters["bytes_waiting"] == 4 * RECORD_BYTES
        assert [await policy.next(), await policy.next()] == [batch(6), batch(8)]
        assert source.taken == [batch(6), batch(8)]

    play(policy, act)
    assert (meters["records_dropped_total"], meters["bytes_waiting"]) == (6, 0)


def test_drop_oldest_keeps_one_batch_that_is_larger_than_the_limit() -> None:
    source, meters = PlayedSource(batch(0), batch(2, records=50)), Meters()
    policy = DropOldest(cast(Source, source), meters.metrics, most_bytes=10 * RECORD_BYTES)

    async def act() -> None:
        await all_read(source)
        assert await policy.next() == batch(2, records=50)

    play(policy, act)
    assert source.passed_over == [batch(0)]


def spill(source: PlayedSource, meters: Meters, directory: Path, capacity_bytes: int) -> Spill:
    return Spill(cast(Source, source), meters.metrics, lambda: SpillFile(directory, capacity_bytes))


def test_spill_gives_back_what_it_wrote_in_order_and_drops_nothing(tmp_path: Path) -> None:
    batches = [batch(first) for first in range(0, 20, 2)]
    source, meters = PlayedSource(*batches), Meters()
    policy = spill(source, meters, tmp_path, 2**20)

    async def act() -> None:
        await all_read(source)
        assert source.unread == []
        assert meters["records_spilled_total"] == 18, "the first found an empty queue"
        got = [await policy.next() for _ in batches]
        assert [[vars_of(each) for each in records] for records in got] == [
            [vars_of(each) for each in records] for records in batches
        ]

    play(policy, act)
    assert (source.passed_over, meters["bytes_waiting"]) == ([], 0)


def vars_of(record: RawRecord) -> tuple[Any, ...]:
    return record.topic, record.partition, record.offset, record.key, record.value


def test_a_full_file_stops_the_reading_until_a_batch_is_asked_for(tmp_path: Path) -> None:
    batches = [batch(first, records=20) for first in range(0, 100, 20)]
    source, meters = PlayedSource(*batches), Meters()
    policy = spill(source, meters, tmp_path, 5_000)

    async def act() -> None:
        await all_read(source)
        waiting = len(source.unread)
        assert 0 < waiting < len(batches) - 1
        assert await policy.next() != []
        assert await policy.next() != []
        await all_read(source)
        assert len(source.unread) < waiting
        while len(source.taken) < len(batches):
            await policy.next()

    play(policy, act)
    assert [each.offset for records in source.taken for each in records] == list(range(100))
    assert meters["wait_seconds_total"] > 0


@pytest.mark.parametrize("kind", ["drop-oldest", "spill"])
def test_what_was_read_before_a_revocation_is_neither_scored_nor_passed_over(kind: str, tmp_path: Path) -> None:
    source, meters = PlayedSource(batch(0), batch(2)), Meters()
    if kind == "spill":
        policy: Overflow = spill(source, meters, tmp_path, 2**20)
    else:
        policy = DropOldest(cast(Source, source), meters.metrics, most_bytes=2**20)

    async def act() -> None:
        await all_read(source)
        source.generation += 1
        source.unread.append(batch(4))
        await all_read(source)
        assert [each.offset for each in await policy.next()] == [4, 5]

    play(policy, act)
    assert [each.offset for records in source.taken for each in records] == [4, 5]
    assert source.passed_over == []
