"""The transport's consumer by itself: everything is faust's and ours but the thread that talks to Kafka."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from mode import Service

from serving.kafka import clients
from serving.streams import transport
from serving.streams.batches import BatchSchema
from serving.streams.transport import MAX_BATCHES, MAX_WAITING_BYTES, Consumer, ConsumerThread, Delivered, Fetched
from tests.support.faust_records import GENERATION, TOPIC, event, unstarted
from tests.support.faust_scene import DEADLINE_S, some_turns, until

FETCH = 100  # records


class FromKafka(NamedTuple):
    topic: str
    partition: int
    offset: int
    value: bytes = b""
    timestamp: int = 0
    timestamp_type: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()
    checksum: int | None = None
    key: bytes | None = None
    serialized_key_size: int = -1

    @property
    def serialized_value_size(self) -> int:
        return len(self.value)


def fetched(tp: TP, offsets: Sequence[int], next_offset: int | None = None, value: bytes = b"") -> Fetched:
    end = offsets[-1] + 1 if next_offset is None else next_offset
    return Fetched([FromKafka(*tp, offset, value) for offset in offsets], end)


class Thread(Service):
    """Stands for the thread: nothing is open, so all there is may be read; the group has committed nothing."""

    def __init__(self, consumer: Any) -> None:
        super().__init__()
        self.consumer = consumer
        self.rejoined = 0

    def last_stable_offset(self, tp: TP) -> int:
        return int(self.consumer.end_of[tp])

    async def rejoin(self) -> None:
        self.rejoined += 1

    async def seek_to_committed(self) -> Mapping[TP, None]:
        self.consumer.end_of = dict.fromkeys(self.consumer.tps, 0)
        return dict.fromkeys(self.consumer.tps)

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        return dict.fromkeys(tps, 0)

    async def seek_wait(self, _: Mapping[TP, int]) -> None: ...


class OneEndlessTopic(Consumer):
    """Fetches from an endless topic that nobody compacts; remembers what was committed."""

    def __init__(self, *args: Any, partitions: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tps = {TP(TOPIC, partition) for partition in range(partitions)}
        self.end_of = dict.fromkeys(sorted(self.tps), 0)
        self.value = b""
        self.commits: list[dict[int, int]] = []
        self.commit_ids: set[str] = set()
        self.meanwhile: list[Any] = []  # each happens during one commit
        self.refusals = 0  # of commits to come

    def _new_consumer_thread(self) -> Any:
        return Thread(self)

    def assignment(self) -> set[TP]:
        return self.tps

    def highwater(self, tp: TP) -> int:
        return self.end_of[tp]

    async def _getmany(self, active_partitions: set[TP] | None, *_: Any, **__: Any) -> Any:
        found = {}
        for tp in sorted(active_partitions or ()):
            first = self.end_of[tp]
            self.end_of[tp] += FETCH // len(self.tps)
            found[tp] = fetched(tp, range(first, self.end_of[tp]), value=self.value)
        return found

    async def _commit(self, offsets: Mapping[TP, Any]) -> bool:
        await asyncio.sleep(0)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.refusals:
            self.refusals -= 1
            return False
        self.commits.append({tp.partition: offset for tp, (offset, _) in offsets.items()})
        self.commit_ids |= {topic_id for _, topic_id in offsets.values()}
        return True


async def _nothing(*_: Any) -> None: ...


class Member:
    """An application with one agent's queue, as it is between two rebalances; make it within an event loop."""

    def __init__(self, partitions: int = 1, **settings: Any) -> None:
        self.app = unstarted(broker_max_poll_records=FETCH, **settings)
        self.told_of_revocation = False
        self.consumer = OneEndlessTopic(
            self.app.transport,
            callback=self.app.topics.on_message,
            on_partitions_revoked=self._on_revoked,
            on_partitions_assigned=_nothing,
            partitions=partitions,
        )
        self.app.consumer = self.consumer
        self.topic = self.app.topic(TOPIC, schema=BatchSchema())
        self.queue = self.topic.queue

    async def at_work(self) -> Self:
        """As after a rebalance."""
        self.app.topics.add(self.topic)
        await self.app.topics._update_indices()
        await self.app.topics.on_partitions_assigned(self.consumer.tps)
        await self.consumer.on_partitions_assigned(self.consumer.tps, GENERATION)
        await self.consumer.perform_seek()
        self.resume()
        return self

    def resume(self) -> None:
        self.app.flow_control.resume()
        self.consumer.resume_flow()

    async def deliver(self, tp: TP, *batches: Fetched) -> None:
        for batch in batches:
            await self.consumer._deliver({tp: batch})

    async def committed(self) -> int | None:
        """The offset that is committed now for the first partition, if any was."""
        await self.consumer.commit()
        return self.consumer.commits[-1][0] if self.consumer.commits else None

    async def _on_revoked(self, _: set[TP]) -> None:
        self.told_of_revocation = True

    def events(self) -> list[Any]:
        """What an agent finds in its queue."""
        found = []
        while not self.queue.empty():
            found.append(self.queue.get_nowait())
        return found

    def places(self, events: Sequence[Any]) -> list[tuple[int, int]]:
        return [(record.partition, record.offset) for each in events for record in each.value.records]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12), st.randoms())
def test_what_may_be_committed_ends_before_the_first_record_that_is_not_acknowledged(
    shapes: list[tuple[int, int]], random: Any
) -> None:
    tp = TP(TOPIC, 0)
    delivered, end = Delivered(5), 5
    batches: list[Fetched] = []
    for records, gap in shapes:  # a gap: compacted records, or transaction markers
        offsets = range(end, end + records)
        end += records + gap
        batches.append(fetched(tp, offsets, end) if records else Fetched([], end))
        delivered.add(batches[-1].records, end)
    to_acknowledge = [each for each in batches if each.records]
    random.shuffle(to_acknowledge)
    done: list[Fetched] = []
    for batch in to_acknowledge:
        delivered.acknowledge(batch.records[-1].offset)
        done.append(batch)
        assert delivered.committable == end_of_all_done(batches, done, begin=5)
    assert delivered.committable == end, "and at the end all of it, markers and gaps included"
    assert (delivered.batches, delivered.size_bytes) == (0, 0)


def end_of_all_done(batches: Sequence[Fetched], done: Sequence[Fetched], begin: int) -> int:
    """Where the batches end of which each and each before it is done; those without records always are."""
    for batch in batches:
        if batch.records and batch not in done:
            break
        begin = batch.next_offset or 0
    return begin


@pytest.mark.parametrize(("partitions", "fetches"), [(1, MAX_BATCHES), (4, 1)])
def test_no_more_is_fetched_than_a_few_batches_while_an_agent_is_busy(partitions: int, fetches: int) -> None:
    async def run() -> None:
        member = await Member(partitions).at_work()
        for _ in range(20):
            await member.consumer._drain_once()
        first = member.events()
        assert len(member.places(first)) == sum(member.consumer.end_of.values()) == fetches * FETCH
        assert len(first) == fetches * partitions, "one event for one partition's batch"
        for _ in range(20):
            await member.consumer._drain_once()
        assert member.events() == [], "they are taken, and not acknowledged"
        for each in first:
            each.ack()
        for _ in range(20):
            await member.consumer._drain_once()
        places = member.places(first) + member.places(member.events())
        for partition in range(partitions):
            offsets = [offset for each, offset in places if each == partition]
            assert offsets == list(range(2 * fetches * FETCH // partitions))

    asyncio.run(run())


@pytest.mark.parametrize("partitions", [1, 3])
def test_records_that_come_one_by_one_wait_in_kafka_and_not_in_batches_of_one(partitions: int) -> None:
    """Fetched as they come, each would be a batch of its own, and a busy agent would never catch up."""

    async def run() -> None:
        member = await Member(partitions).at_work()
        tps = sorted(member.consumer._delivered)
        for number in range(MAX_BATCHES):
            delivered = member.consumer._delivered[tps[number % partitions]]
            first = delivered.next_offset
            delivered.add(fetched(tps[number % partitions], [first]).records, first + 1)
        for _ in range(20):
            await member.consumer._drain_once()
        assert member.events() == []
        member.consumer._delivered[tps[0]].acknowledge(0)
        await member.consumer._drain_once()
        assert len(member.events()) == partitions

    asyncio.run(run())


def test_no_more_is_fetched_while_many_bytes_wait() -> None:
    async def run() -> None:
        member = await Member().at_work()
        member.consumer.value = bytes(MAX_WAITING_BYTES // FETCH + 2)
        for _ in range(20):
            await member.consumer._drain_once()
        (batch,) = member.events()
        batch.ack()
        await member.consumer._drain_once()
        assert len(member.events()) == 1

    asyncio.run(run())


def test_a_queue_that_is_nearly_full_costs_no_record_of_the_fetch_under_way() -> None:
    async def run() -> None:
        member = await Member(2, stream_buffer_maxsize=2).at_work()
        for first in (0, FETCH // 2):
            await member.consumer._drain_once()
            events = member.events()
            places = [(partition, first + offset) for partition in (0, 1) for offset in range(FETCH // 2)]
            assert member.places(events) == places
            for each in events:
                each.ack()

    asyncio.run(run())


def test_what_is_acknowledged_is_committed_before_the_partitions_are_revoked() -> None:
    async def run() -> None:
        member = await Member(2).at_work()
        member.consumer.max_batches = 4
        await member.consumer._drain_once()
        await member.consumer._drain_once()
        events = member.events()
        for each in events[:2]:
            each.ack()

        async def finish_in_flight() -> None:
            events[2].ack()

        member.consumer.finish_in_flight = finish_in_flight
        await member.consumer.on_partitions_revoked(member.consumer.tps)
        assert member.told_of_revocation
        last = {partition: offset for commit in member.consumer.commits for partition, offset in commit.items()}
        assert last == {0: FETCH, 1: FETCH // 2}, "and nothing of the batch that nobody acknowledged"
        events[3].ack()
        await member.consumer.commit()
        assert len(member.consumer.commits) == 1, "it is another instance's now"

    asyncio.run(run())


def test_no_batch_begins_while_partitions_are_revoked() -> None:
    async def run() -> None:
        member = await Member().at_work()
        stream = member.app.stream(member.app.topic(TOPIC, schema=BatchSchema()))

        async def first() -> int:
            return int((await anext(aiter(stream.noack()))).records[0].offset)

        await member.consumer.on_partitions_revoked(member.consumer.tps)
        working = asyncio.create_task(first())
        stream.channel.queue.put_nowait(event(member.app, 0, 7))
        await until(stream.channel.queue.empty)
        member.app.flow_control.resume()
        stream.channel.queue.put_nowait(event(member.app, 0, 8))
        assert await asyncio.wait_for(working, DEADLINE_S) == 8
        await stream.stop()

    asyncio.run(run())


def test_what_is_fetched_while_the_flow_stands_still_is_dropped_and_fetched_again_after_the_recovery_s_seek() -> None:
    async def run() -> None:
        member = await Member().at_work()
        fetch = member.consumer._getmany

        async def slow_fetch(*args: Any, **kwargs: Any) -> Any:
            found = await fetch(*args, **kwargs)
            member.consumer.stop_flow()  # the group is rebalanced
            return found

        member.consumer._getmany = slow_fetch  # type: ignore[method-assign]
        await member.consumer._drain_once()
        assert member.events() == []
        member.consumer._getmany = fetch  # type: ignore[method-assign]
        await member.consumer.perform_seek()
        member.resume()
        await member.consumer._drain_once()
        assert member.places(member.events()) == [(0, offset) for offset in range(FETCH)]

    asyncio.run(run())


Seek = Callable[[OneEndlessTopic], Coroutine[Any, Any, None]]
SEEKS = [
    pytest.param(lambda consumer: consumer.seek_wait({}), id="to the changelogs"),
    pytest.param(lambda consumer: consumer.perform_seek(), id="to what is committed"),
]


@pytest.mark.parametrize("seek", SEEKS)
def test_a_seek_waits_for_the_fetch_under_way_and_after_it_nothing_is_fetched_until_the_flow_is_resumed(
    seek: Seek,
) -> None:
    """What is fetched between the two would be dropped, and the recovery wait for it, or end without it."""

    async def run() -> None:
        member = await Member().at_work()
        consumer = member.consumer
        fetching, let_go = asyncio.Event(), asyncio.Event()
        order: list[str] = []

        async def slow_fetch(*_: Any, **__: Any) -> Any:
            fetching.set()
            await let_go.wait()
            order.append("fetched")
            return {tp: fetched(tp, range(FETCH)) for tp in consumer.tps}

        async def seek_wait(_: Mapping[TP, int]) -> None:
            order.append("sought")

        consumer._getmany = slow_fetch  # type: ignore[method-assign]
        consumer._thread.seek_wait = seek_wait
        draining = asyncio.create_task(consumer._drain_once())
        await fetching.wait()
        seeking = asyncio.create_task(seek(consumer))
        await some_turns()
        assert order == []
        let_go.set()
        await asyncio.gather(draining, seeking)
        assert order == ["fetched", "sought"]
        assert member.events() == []
        draining = asyncio.create_task(consumer._drain_once())
        await some_turns()
        assert order == ["fetched", "sought"]
        member.resume()
        await draining
        assert order == ["fetched", "sought", "fetched"]

    asyncio.run(run())


@pytest.mark.parametrize("seek", SEEKS)
def test_a_seek_ends_the_delivery_under_way_before(seek: Seek) -> None:
    """Delivered behind the seek, records would pass for read that the recovery must read again."""

    async def run() -> None:
        member = await Member(2).at_work()
        consumer = member.consumer
        delivering, let_go = asyncio.Event(), asyncio.Event()
        stock = consumer.callback

        async def slow_delivery(message: Any) -> None:
            delivering.set()
            await let_go.wait()
            await stock(message)

        consumer.callback = slow_delivery
        draining = asyncio.create_task(consumer._drain_once())
        await delivering.wait()
        await seek(consumer)
        let_go.set()
        await draining
        assert member.events() == []

    asyncio.run(run())


@pytest.mark.parametrize("question", ["highwaters", "earliest_offsets"])
def test_a_recovery_s_question_is_asked_again_until_the_broker_answers(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        monkeypatch.setattr(clients, "RETRY_S", 0)
        consumer = Member().consumer
        answers: list[Any] = [KafkaTimeoutError(), KafkaConnectionError(), dict.fromkeys(consumer.tps, 7)]

        async def answer(*_: TP) -> Mapping[TP, int]:
            if isinstance(given := answers.pop(0), Exception):
                raise given
            return dict(given)

        monkeypatch.setattr(consumer._thread, question, answer, raising=False)
        assert await getattr(consumer, question)(*consumer.tps) == dict.fromkeys(consumer.tps, 7)

    asyncio.run(run())


@pytest.mark.parametrize("verify", ["verify_event_path", "verify_recovery_event_path"])
def test_a_partition_whose_position_is_not_known_yet_crashes_nothing(
    verify: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is none until aiokafka has found out where a topic begins that was created again."""

    async def run() -> None:
        consumer = (await Member().at_work()).consumer

        def position(*_: object) -> None:
            raise AssertionError("aiokafka's own: the position is None")

        monkeypatch.setattr(consumer._thread, verify, position, raising=False)
        await consumer.verify_all_partitions_active()
        for tp in consumer.tps:
            getattr(consumer, verify)(0.0, tp)

    asyncio.run(run())


def test_nothing_of_a_new_assignment_is_delivered_before_its_recovery_has_sought() -> None:
    """Its rows are not restored yet: scored now, a partition's records would be counted as its first ones."""

    async def run() -> None:
        member = await Member().at_work()
        consumer = member.consumer
        await consumer.on_partitions_revoked(consumer.tps)
        fetch = consumer._getmany

        async def fetch_during_the_rebalance(*args: Any, **kwargs: Any) -> Any:
            found = await fetch(*args, **kwargs)
            consumer.stop_flow()
            return found

        consumer._getmany = fetch_during_the_rebalance  # type: ignore[method-assign]
        await consumer.on_partitions_assigned(consumer.tps, GENERATION)
        member.resume()  # for the changelogs
        await consumer._drain_once()
        consumer._getmany = fetch  # type: ignore[method-assign]
        member.resume()
        await consumer._drain_once()
        assert member.events() == []
        await consumer.perform_seek()
        member.resume()
        await consumer._drain_once()
        assert member.places(member.events()) == [(0, offset) for offset in range(FETCH)]

    asyncio.run(run())


def test_a_recovery_that_ends_while_its_partitions_are_revoked_begins_nothing() -> None:
    async def run() -> None:
        member = await Member().at_work()
        consumer = member.consumer

        async def recovery_ends() -> None:
            with pytest.raises(IllegalStateError):
                await consumer.perform_seek()
            member.resume()

        consumer.finish_in_flight = recovery_ends
        await consumer.on_partitions_revoked(consumer.tps)
        assert not consumer.flow_active
        member.resume()
        assert not consumer.flow_active
        await consumer.on_partitions_assigned(consumer.tps, GENERATION)
        member.resume()
        assert consumer.flow_active
        await consumer._drain_once()
        assert member.events() == []

    asyncio.run(run())


def test_a_recovery_that_was_overtaken_by_a_rebalance_begins_nothing() -> None:
    async def run() -> None:
        member = await Member().at_work()
        consumer = member.consumer
        stock = consumer._thread.seek_to_committed

        async def rebalanced() -> Any:
            committed = await stock()
            await consumer.on_partitions_revoked(consumer.tps)
            await consumer.on_partitions_assigned(consumer.tps, GENERATION)
            return committed

        consumer._thread.seek_to_committed = rebalanced
        with pytest.raises(IllegalStateError):
            await consumer.perform_seek()
        member.resume()
        await consumer._drain_once()
        assert member.events() == []

    asyncio.run(run())


def test_nothing_is_fetched_while_partitions_are_revoked_nor_when_none_were_assigned_before() -> None:
    async def run() -> None:
        member = await Member().at_work()
        consumer = member.consumer
        draining: list[asyncio.Task[None]] = []

        async def finish_in_flight() -> None:
            draining.append(asyncio.create_task(consumer._drain_once()))
            await some_turns()

        consumer.finish_in_flight = finish_in_flight
        async with asyncio.timeout(DEADLINE_S):
            for revoked in (consumer.tps, set[TP]()):
                member.resume()
                await consumer.on_partitions_revoked(revoked)
                await consumer.on_partitions_assigned(consumer.tps, GENERATION)
        assert (set(consumer.end_of.values()), member.events()) == ({0}, [])
        for each in draining:
            each.cancel()
        await asyncio.wait(draining)

    asyncio.run(run())


def test_a_batch_is_stale_as_soon_as_it_was_revoked_and_not_while_it_may_still_be_finished() -> None:
    """Its next owner may have it before this instance knows of the next generation."""

    async def run() -> None:
        member = await Member().at_work()
        await member.consumer._drain_once()
        (batch,) = (each.value for each in member.events())
        stale: list[bool] = []

        async def finish_in_flight() -> None:
            stale.append(batch.stale)

        member.consumer.finish_in_flight = finish_in_flight
        await member.consumer.on_partitions_revoked(member.consumer.tps)
        assert [*stale, batch.stale] == [False, True]
        assert member.app.consumer_generation_id == GENERATION

    asyncio.run(run())


def test_how_far_a_changelog_is_read_is_known_once_its_records_are_delivered_and_until_the_next_seek() -> None:
    async def run() -> None:
        member = await Member().at_work()
        consumer, changelog = member.consumer, TP("a changelog", 0)
        consumer.tps.add(changelog)
        consumer._set_active_tps({changelog})
        consumer._is_changelog_tp = lambda tp: tp == changelog  # type: ignore[method-assign]
        delivered: list[int] = []

        async def deliver(message: Any) -> None:
            delivered.append(message.offset)
            if message.offset == 9:
                consumer.stop_flow()

        consumer.callback = deliver
        await consumer._deliver({changelog: fetched(changelog, [3, 5], 8)})
        assert (delivered, consumer.changelogs_read_to) == ([3, 5], {changelog: 8})
        await consumer._deliver({changelog: fetched(changelog, [8, 9, 10])})
        assert (delivered, consumer.changelogs_read_to) == ([3, 5, 8, 9], {changelog: 8})
        await consumer.seek_wait({changelog: 3})
        assert consumer.changelogs_read_to == {}

    asyncio.run(run())


def test_the_thread_hands_over_what_it_fetched_though_the_flow_has_stopped_meanwhile() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        thread = ConsumerThread(member.consumer, thread_loop=asyncio.get_running_loop())
        kafka = Kafka(member.consumer.stop_flow, {tp: fetched(tp, [0, 1]).records}, {tp: 3})
        assert await thread._fetch_records(kafka, {tp}) == {tp: fetched(tp, [0, 1], 3)}

    asyncio.run(run())


def test_a_fetch_raises_what_has_ended_the_membership_in_the_group() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        thread = ConsumerThread(member.consumer, thread_loop=asyncio.get_running_loop())
        kafka = Kafka(lambda: None, {}, {tp: 3})
        kafka.error = GroupAuthorizationFailedError("a group")
        with pytest.raises(GroupAuthorizationFailedError):
            await thread._fetch_records(kafka, {tp})
        kafka.error = KafkaConnectionError()  # which it tries again, now that somebody has heard of it
        assert await thread._fetch_records(kafka, {tp}) == {tp: Fetched((), 3)}

    asyncio.run(run())


class Kafka:
    """An ``AIOKafkaConsumer``, as far as one fetch needs it."""

    def __init__(self, meanwhile: Callable[[], None], records: Mapping[TP, Any], positions: Mapping[TP, int]) -> None:
        self._closed = False
        self._fetcher = self._subscriptions = self._subscription = self.subscription = self.assignment = self
        self._meanwhile = meanwhile
        self._records = records
        self._positions = positions
        self.tps = set(positions)
        self._coordinator = self
        self.error: KafkaError | None = None  # that the group's coordinator has not been able to tell anybody

    def check_errors(self) -> None:
        if self.error is not None:
            raise self.error

    def fetch_context(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def fetched_records(self, *_: Any, **__: Any) -> Mapping[TP, Any]:
        self._meanwhile()
        return self._records

    def state_value(self, tp: TP) -> SimpleNamespace:
        return SimpleNamespace(has_valid_position=True, position=self._positions[tp])


def test_an_agent_that_fails_crashes_the_application_and_nothing_is_committed() -> None:
    async def run() -> None:
        member = await Member().at_work()
        await member.consumer._drain_once()
        error = RuntimeError("a bug")
        await member.app._on_agent_error(None, error)
        assert (member.app.crashed, member.app.crash_reason) == (True, error)
        assert member.consumer.commits == []

    asyncio.run(run())


def test_batches_are_committed_in_their_order_however_they_are_acknowledged() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        await member.deliver(tp, fetched(tp, [0, 1]), fetched(tp, [2, 3, 4]), fetched(tp, [5]))
        first, second, third = member.events()
        third.ack()
        assert await member.committed() is None
        first.ack()
        assert await member.committed() == 2
        second.ack()
        assert await member.committed() == 6

    asyncio.run(run())


def test_an_offset_without_a_record_holds_up_no_commit_and_no_record_is_delivered_twice() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        # 4, 6 and 7 were compacted away; 9 and 10 end transactions, the second of which was aborted.
        await member.deliver(tp, fetched(tp, [0, 1, 2]), fetched(tp, [2, 3, 5, 8], 10))
        events = member.events()
        assert [offset for _, offset in member.places(events)] == [0, 1, 2, 3, 5, 8]
        await member.deliver(tp, Fetched([], 11))
        for each in events:
            each.ack()
        assert await member.committed() == 11

    asyncio.run(run())


def test_nothing_but_transaction_markers_is_committed_too_and_is_no_lag() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        member.consumer.end_of[tp] = 5
        await member.deliver(tp, fetched(tp, [0, 1], 3))
        assert member.consumer.lag() == 5
        (batch,) = member.events()
        batch.ack()
        assert member.consumer.lag() == 2
        await member.deliver(tp, Fetched([], 5))
        assert (member.consumer.lag(), await member.committed()) == (0, 5)

    asyncio.run(run())


def test_a_commit_that_fails_is_made_again_though_nothing_more_is_acknowledged() -> None:
    async def run() -> None:
        member = await Member().at_work()
        await member.consumer._drain_once()
        member.events()[0].ack()
        member.consumer.refusals = 1
        assert await member.committed() is None
        assert await member.committed() == FETCH

    asyncio.run(run())


def test_a_commit_that_ends_when_the_topic_is_another_one_holds_up_no_commit_there() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        await member.consumer._drain_once()
        member.events()[0].ack()
        member.consumer.meanwhile.append(lambda: member.consumer._delivered.update({tp: Delivered(0)}))
        assert await member.committed() == FETCH
        await member.deliver(tp, fetched(tp, range(30)))
        member.events()[0].ack()
        assert await member.committed() == 30

    asyncio.run(run())


def test_an_offset_is_committed_with_the_id_of_its_own_topic_though_another_one_has_the_name_meanwhile() -> None:
    async def run() -> None:
        member = await Member().at_work()
        member.consumer.topic_ids = {TOPIC: "first"}
        await member.consumer._drain_once()
        member.events()[0].ack()
        member.consumer.meanwhile.append(lambda: member.consumer.topic_ids.update({TOPIC: "second"}))
        assert (await member.committed(), member.consumer.commit_ids) == (FETCH, {"first"})

    asyncio.run(run())


def test_a_log_that_was_truncated_is_read_from_where_it_begins_now() -> None:
    async def run() -> None:
        member = await Member().at_work()
        (tp,) = member.consumer.tps
        await member.deliver(tp, fetched(tp, [*range(60)]))
        before = member.events()
        await member.deliver(tp, fetched(tp, [*range(30)]))
        (after,) = member.events()
        assert [offset for _, offset in member.places([after])] == [*range(30)]
        before[0].ack()
        assert await member.committed() is None
        after.ack()
        assert await member.committed() == 30
        await member.deliver(tp, fetched(tp, [*range(30, 60)]))
        assert await member.committed() == 30, "it ends where the one before did, which was acknowledged too late"

    asyncio.run(run())


def test_nothing_of_a_topic_that_was_created_again_is_committed_or_goes_on_waiting() -> None:
    async def run() -> None:
        member = await Member().at_work()
        await member.consumer._drain_once()
        await member.consumer._drain_once()
        in_flight = member.queue.get_nowait()
        await member.consumer.topic_recreated(TOPIC, "another")
        assert (member.consumer.topic_ids, member.consumer._thread.rejoined) == ({TOPIC: "another"}, 1)
        assert in_flight.value.stale
        in_flight.value.acknowledge()
        assert (await member.committed(), member.events(), member.consumer.lag()) == (None, [], 0)
        await member.consumer.perform_seek()
        member.resume()
        member.consumer.end_of = dict.fromkeys(member.consumer.tps, 0)
        await member.consumer._drain_once()
        (batch,) = member.events()
        assert [offset for _, offset in member.places([batch])] == [*range(FETCH)]
        batch.value.acknowledge()
        assert await member.committed() == FETCH

    asyncio.run(run())


class Coordinator:
    """Of generation 1; each commit ends as it is told, the last ones well, and by then the group may be further on."""

    def __init__(self, *ends: KafkaError, rebalanced: bool = False) -> None:
        self.generation = 1
        self.committed: list[Any] = []
        self._commit_lock = asyncio.Lock()
        self._ends = list(ends)
        self._rebalanced = rebalanced

    async def ensure_coordinator_known(self) -> None: ...

    async def _do_commit_offsets(self, _assignment: None, offsets: Any) -> None:
        if self._ends:
            self.generation += self._rebalanced
            raise self._ends.pop(0)
        self.committed.append(offsets)


def committed_by_a_thread(coordinator: Coordinator) -> bool:
    """Whether the thread of a consumer with one partition says that it has committed."""
    at = TopicPartition(TOPIC, 0)
    consumer = SimpleNamespace(
        _coordinator=coordinator, assignment=lambda: {at}, partitions_for_topic=lambda _topic: {0}
    )
    thread: Any = SimpleNamespace(_ensure_consumer=lambda: consumer, assignment=lambda: {at})
    return asyncio.run(ConsumerThread._commit(thread, {at: OffsetAndMetadata(5, "")}))


def test_a_commit_whose_connection_is_lost_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RETRY_S", 0.0)
    coordinator = Coordinator(KafkaConnectionError(), KafkaConnectionError())
    assert committed_by_a_thread(coordinator)
    assert len(coordinator.committed) == 1


def test_a_commit_is_not_made_again_in_a_later_generation_whose_other_members_may_be_far_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "RETRY_S", 0.0)
    coordinator = Coordinator(KafkaConnectionError(), rebalanced=True)
    assert not committed_by_a_thread(coordinator)
    assert coordinator.committed == []
