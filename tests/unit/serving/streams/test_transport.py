"""The transport's consumer by itself: everything is faust's and ours but the thread that talks to Kafka."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import pytest
from faust.types import TP
from mode import Service

from serving.streams.transport import FETCHES_WAITING, Consumer
from tests.faust_records import GENERATION, TOPIC, event, unstarted
from tests.faust_scene import DEADLINE_S, until

FETCH = 100  # records


class Fetched(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    timestamp_type: int = 0
    headers: tuple[()] = ()
    key: bytes | None = None
    value: bytes = b""
    checksum: None = None
    serialized_key_size: int = 0
    serialized_value_size: int = 0


class OneEndlessTopic(Consumer):
    """Fetches from an endless topic that nobody compacts; remembers what was committed."""

    def __init__(self, *args: Any, partitions: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tps = {TP(TOPIC, partition) for partition in range(partitions)}
        self.position_of = dict.fromkeys(sorted(self.tps), 0)
        self.commits: list[dict[int, int]] = []
        self.meanwhile: list[Any] = []  # each happens during one commit

    def _new_consumer_thread(self) -> Any:
        return Service()

    def assignment(self) -> set[TP]:
        return self.tps

    def highwater(self, tp: TP) -> int:
        return self.position_of[tp]

    async def _getmany(self, active_partitions: set[TP] | None, *_: Any, **__: Any) -> Mapping[TP, list[Fetched]]:
        fetched = {}
        for tp in sorted(active_partitions or ()):
            first = self.position_of[tp]
            self.position_of[tp] += FETCH // len(self.tps)
            fetched[tp] = [Fetched(*tp, offset) for offset in range(first, self.position_of[tp])]
        return fetched

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        await asyncio.sleep(0)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.commits.append({tp.partition: offset for tp, offset in offsets.items()})
        return True


class Member:
    """An application with one agent's queue, as it is between two rebalances; make it within an event loop."""

    def __init__(self, partitions: int = 1, **settings: Any) -> None:
        self.app = unstarted(broker_max_poll_records=FETCH, **settings)
        self.told_of_revocation = False
        self.consumer = OneEndlessTopic(
            self.app.transport,
            callback=self.app.topics.on_message,
            on_partitions_revoked=self._on_revoked,
            on_partitions_assigned=self._on_revoked,
            partitions=partitions,
        )
        self.app.consumer = self.consumer
        self.topic = self.app.topic(TOPIC, key_type=bytes, value_type=bytes)
        self.queue = self.topic.queue

    async def at_work(self) -> Self:
        """As after a rebalance."""
        self.app.topics.add(self.topic)
        await self.app.topics._update_indices()
        await self.app.topics.on_partitions_assigned(self.consumer.tps)
        self.consumer._set_active_tps(self.consumer.tps)
        self.app.flow_control.resume()
        self.consumer.resume_flow()
        return self

    async def _on_revoked(self, *_: Any) -> None:
        self.told_of_revocation = True

    def taken(self) -> list[tuple[int, int]]:
        """What an agent finds in its queue."""
        found = []
        while not self.queue.empty():
            message = self.queue.get_nowait().message
            found.append((message.partition, message.offset))
        return found


@pytest.mark.parametrize("partitions", [1, 4])
def test_no_more_is_fetched_than_a_few_fetches_while_an_agent_is_busy(partitions: int) -> None:
    async def run() -> None:
        member = await Member(partitions).at_work()
        for _ in range(20):
            await member.consumer._drain_once()
        assert member.queue.qsize() == sum(member.consumer.position_of.values()) == FETCHES_WAITING * FETCH
        first = member.taken()
        for _ in range(20):
            await member.consumer._drain_once()
        assert member.queue.qsize() == FETCHES_WAITING * FETCH, "it goes on once they are taken"
        places = first + member.taken()
        for partition in range(partitions):
            offsets = [offset for each, offset in places if each == partition]
            assert offsets == list(range(2 * FETCHES_WAITING * FETCH // partitions))

    asyncio.run(run())


def test_a_queue_that_is_nearly_full_costs_no_record_of_the_fetch_under_way() -> None:
    async def run() -> None:
        member = await Member(stream_buffer_maxsize=FETCH).at_work()  # faust calls it full at 80
        await member.consumer._drain_once()
        assert member.taken() == [(0, offset) for offset in range(FETCH)]
        await member.consumer._drain_once()
        assert member.taken() == [(0, FETCH + offset) for offset in range(FETCH)]

    asyncio.run(run())


def test_what_is_acknowledged_is_committed_before_the_partitions_are_given_away() -> None:
    async def run() -> None:
        member = await Member(2).at_work()
        await member.consumer._drain_once()
        taken = [member.queue.get_nowait() for _ in range(FETCH)]
        for each in taken[:40]:
            each.ack()
        # A batch is in hand: it is acknowledged while the first commit is on its way.
        member.consumer.meanwhile.append(lambda: [each.ack() for each in taken[40:]])
        await member.consumer.on_partitions_revoked(member.consumer.tps)
        assert member.told_of_revocation
        last = {partition: offset for commit in member.consumer.commits for partition, offset in commit.items()}
        assert last == {0: FETCH // 2, 1: FETCH // 2}

    asyncio.run(run())


def test_no_batch_begins_while_partitions_are_given_away() -> None:
    async def run() -> None:
        member = await Member().at_work()
        stream = member.app.stream(member.app.topic(TOPIC, key_type=bytes, value_type=bytes))

        async def first() -> int:
            return int((await anext(aiter(stream.noack().events()))).message.offset)

        await member.consumer.on_partitions_revoked(member.consumer.tps)
        working = asyncio.create_task(first())
        stream.channel.queue.put_nowait(event(member.app, 0, 7))
        await until(stream.channel.queue.empty)
        member.app.flow_control.resume()
        stream.channel.queue.put_nowait(event(member.app, 0, 8))
        assert await asyncio.wait_for(working, DEADLINE_S) == 8
        await stream.stop()

    asyncio.run(run())


def test_a_delivery_ends_with_its_generation() -> None:
    async def run() -> None:
        member = await Member().at_work()
        fetched = await member.consumer._getmany(member.consumer.tps)
        member.app.consumer_generation_id = GENERATION + 1
        await member.consumer._deliver(fetched, member.consumer.tps, GENERATION)
        assert member.taken() == []

    asyncio.run(run())


def test_an_offset_without_a_record_holds_up_no_commit_and_no_record_is_delivered_twice() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        for offsets in ([0, 1, 2], [2, 3, 5, 8]):  # 4, 6 and 7 were compacted away, or end a transaction
            fetched = {tp: [Fetched(*tp, offset) for offset in offsets]}
            await member.consumer._deliver(fetched, member.consumer.tps, GENERATION)
        came = [member.queue.get_nowait() for _ in range(member.queue.qsize())]
        assert [each.message.offset for each in came] == [0, 1, 2, 3, 5, 8]
        for each in came:
            each.ack()
        await member.consumer.commit()
        assert member.consumer.commits == [{0: 9}]

    asyncio.run(run())
