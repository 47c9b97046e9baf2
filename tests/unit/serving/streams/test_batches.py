"""Batches out of a faust stream, held against what was put into it; the stream is a real one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import faust
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.streams.batches import Batch, batches
from tests.faust_records import GENERATION, TOPIC, event, unstarted

Place = tuple[int, int, int]
"""Partition, offset, and the generation in which it was fetched."""


async def taken(app: Any, arriving: Sequence[Any], max_batch: int) -> list[Batch]:
    """The batches of a stream in which these events wait; the last event must be of this generation."""
    app.flow_control.resume()
    stream = app.stream(app.topic(TOPIC, key_type=bytes, value_type=bytes))
    for each in arriving:
        stream.channel.queue.put_nowait(each)
    found: list[Batch] = []
    async for batch in batches(app, stream, max_batch):
        found.append(batch)
        if stream.channel.queue.empty():
            break
    await stream.stop()
    return found


def arrivals(numbers: Sequence[tuple[int, bool]]) -> list[Place]:
    """By partition and whether they are of this generation; offsets rise in each partition."""
    return [(p, offset, GENERATION if new else GENERATION - 1) for offset, (p, new) in enumerate(numbers)]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30), st.integers(1, 10))
@settings(deadline=None)
def test_every_record_of_this_generation_is_in_one_batch_in_order_and_no_other_is(
    numbers: list[tuple[int, bool]], max_batch: int
) -> None:
    places = arrivals([*numbers, (0, True)])
    app = unstarted()
    events = [event(app, p, offset, generation=g) for p, offset, g in places]
    found = asyncio.run(taken(app, events, max_batch))
    ours = [each for each in events if each.message.generation_id == GENERATION]
    assert not any(each.message.acked for each in ours), "that is for whoever knows what became of them"
    for partition in range(3):
        came = [each.offset for batch in found for each in batch.by_partition.get(partition, [])]
        assert came == [offset for p, offset, g in places if p == partition and g == GENERATION]
    sizes = [len(batch.records()) for batch in found]
    assert all(0 < size <= max_batch for size in sizes)
    if all(new for _, new in numbers):
        assert len(sizes) == -(-len(places) // max_batch), "a batch is all that is at hand"


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=20))
@settings(deadline=None)
def test_acknowledged_is_what_was_in_the_batch_and_nothing_else(numbers: list[tuple[int, bool]]) -> None:
    app = unstarted()
    events = [event(app, p, offset, generation=g) for p, offset, g in arrivals(numbers)]
    batch = Batch(app, events)
    assert not any(each.message.acked for each in events)
    batch.acknowledge()
    assert [each.message.acked for each in events] == [new for _, new in numbers]


def test_what_was_fetched_before_a_rebalance_is_not_acknowledged_after_it_with_what_came_later() -> None:
    app = unstarted()
    before = event(app, 0, 7)
    app.consumer_generation_id += 1
    after = event(app, 0, 7, generation=GENERATION + 1)
    Batch(app, [before, after]).acknowledge()
    assert (before.message.acked, after.message.acked) == (False, True)


def test_a_batch_of_nothing_but_what_is_others_now_is_no_batch() -> None:
    app = unstarted()

    class RebalancedMeanwhile:
        """A stream that looked at its events' generation before the group was rebalanced."""

        channel = app.topic(TOPIC, key_type=bytes, value_type=bytes)

        def noack(self) -> "RebalancedMeanwhile":
            return self

        async def events(self) -> AsyncIterator[Any]:
            yield event(app, 0, 0, generation=GENERATION - 1)
            yield event(app, 1, 0)

    async def run() -> list[list[int]]:
        return [[each.partition for each in it.records()] async for it in batches(app, RebalancedMeanwhile(), 10)]

    assert asyncio.run(run()) == [[1]]


def test_a_batch_is_stale_once_the_group_was_rebalanced() -> None:
    app = unstarted()
    batch = Batch(app, [event(app, 0, 0)])
    assert not batch.stale
    app.consumer_generation_id += 1
    assert batch.stale


def test_a_batch_says_what_came_and_where_its_partitions_go_on() -> None:
    app = unstarted()
    events = [
        event(app, 1, 40, b"first", key=b"a", timestamp_s=1.2345),
        event(app, 0, 7, None),
        event(app, 1, 43, b"second"),
    ]
    batch = Batch(app, events)
    assert [tuple(each) for each in batch.by_partition[1]] == [
        (TOPIC, 1, 40, 1234, b"a", b"first"),
        (TOPIC, 1, 43, 0, None, b"second"),
    ]
    assert [tuple(each) for each in batch.by_partition[0]] == [(TOPIC, 0, 7, 0, None, None)]
    assert sorted((each.partition, each.offset) for each in batch.records()) == [(0, 7), (1, 40), (1, 43)]
    assert {(tp.topic, tp.partition): end for tp, end in batch.next_offsets.items()} == {(TOPIC, 0): 8, (TOPIC, 1): 44}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_write_belongs_to_the_partition_that_was_named_last(order: Sequence[int]) -> None:
    app = unstarted()
    batch = Batch(app, [event(app, partition, offset) for offset in range(2) for partition in range(3)])

    async def written_as() -> list[int]:
        found = []
        for partition in order:
            batch.write_as(partition)
            in_hand = faust.current_event()
            assert in_hand is not None
            found.append(in_hand.message.partition)
        return found

    assert asyncio.run(written_as()) == list(order)
