"""Batches out of a faust stream, held against what was put into it; the stream is a real one."""

import asyncio
from collections.abc import Sequence
from typing import Any

import faust
import pytest

from serving.scoring.records import Record
from serving.streams.batches import Batch, BatchSchema
from tests.support.faust_records import GENERATION, TOPIC, event, event_of, unstarted


async def taken(app: Any, arriving: Sequence[Any]) -> list[Batch]:
    """The batches of a stream in which these events wait; the last event must be of this generation."""
    app.flow_control.resume()
    stream = app.stream(app.topic(TOPIC, schema=BatchSchema()))
    for each in arriving:
        stream.channel.queue.put_nowait(each)
    found: list[Batch] = []
    async for batch in stream.noack():
        found.append(batch)
        if stream.channel.queue.empty():
            break
    await stream.stop()
    return found


def test_an_agent_gets_what_was_fetched_batch_by_batch_and_acknowledges_it_itself() -> None:
    app = unstarted()
    events = [event(app, 0, 0, 1), event(app, 2, 7, generation=GENERATION - 1), event(app, 2, 5, 9), event(app, 0, 2)]
    found = asyncio.run(taken(app, events))
    assert [(batch.partition, [record.offset for record in batch.records]) for batch in found] == [
        (0, [0, 1]),
        (2, [5, 9]),
        (0, [2]),
    ]
    assert not any(each.message.acked for each in events), "that is done where the outcomes are known"
    for batch in found:
        batch.acknowledge()
    assert [each.message.acked for each in events] == [True, False, True, True]


def test_a_batch_has_the_records_as_they_came() -> None:
    app = unstarted()
    records = [Record(TOPIC, 1, 40, -(2**63), b"a", b"first"), Record(TOPIC, 1, 43, 2**63 - 1, None, None)]
    (batch,) = asyncio.run(taken(app, [event_of(app, records)]))
    assert list(batch.records) == records


def test_a_batch_is_stale_once_an_epoch_has_begun_and_then_it_is_not_acknowledged() -> None:
    """Its partition was revoked, or its topic created again."""
    app = unstarted()
    fetched = event(app, 0, 0)
    assert not fetched.value.stale
    app.consumer.epoch += 1
    assert fetched.value.stale
    fetched.value.acknowledge()
    assert not fetched.message.acked
    assert not event(app, 0, 0).value.stale


@pytest.mark.parametrize("partition", [0, 2])
def test_a_table_write_while_a_batch_is_in_flight_belongs_to_its_partition(partition: int) -> None:
    app = unstarted()

    async def written_as() -> int:
        await taken(app, [event(app, 1, 0), event(app, partition, 0)])
        in_flight = faust.current_event()
        assert in_flight is not None
        return in_flight.message.partition

    assert asyncio.run(written_as()) == partition
