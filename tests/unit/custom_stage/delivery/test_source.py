"""The source's promises about commits, with the library's consumer and the broker played."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    KafkaError,
    NotCoordinatorForGroupError,
    RequestTimedOutError,
)
from aiokafka.structs import OffsetAndMetadata

from custom_stage.delivery import source as source_module
from custom_stage.delivery.source import Source
from custom_stage.settings import StageSettings
from serving.errors import BrokerRefused
from serving.scoring.records import RawRecord, Record

AT = TopicPartition("models_data", 0)


def batch(first: int, records: int = 1) -> Sequence[RawRecord]:
    return [Record(AT.topic, AT.partition, first + number, 0, None, b"") for number in range(records)]


class Consumer:
    """Has one partition, reads what it is given, and keeps what is committed."""

    def __init__(self) -> None:
        self.fetches: list[Sequence[RawRecord]] = []
        self.committed: list[Mapping[TopicPartition, int]] = []
        self.commit_ends: list[KafkaError] = []
        self.seeks: list[tuple[TopicPartition, int]] = []
        self.state = SimpleNamespace(has_valid_position=True, position=0)
        assignment = SimpleNamespace(tps={AT}, state_value=lambda _partition: self.state)
        self._subscription = SimpleNamespace(
            subscription=SimpleNamespace(assignment=assignment), fetch_context=self._fetch_context
        )
        self.counts_as_fetching = 0  # so often
        self.kept = OffsetAndMetadata(0, "")  # of a former owner
        self.coordinator_known, self.answered = asyncio.Event(), asyncio.Event()
        self.coordinator_known.set()
        self.answered.set()
        self._coordinator = SimpleNamespace(
            generation=1,
            fetch_committed_offsets=self._fetch_committed,
            ensure_coordinator_known=self.coordinator_known.wait,
            _commit_lock=asyncio.Lock(),
            _do_commit_offsets=self._commit_once,
        )

    @contextmanager
    def _fetch_context(self) -> Iterator[None]:
        self.counts_as_fetching += 1
        yield

    async def _fetch_committed(self, _partitions: object) -> Mapping[TopicPartition, OffsetAndMetadata]:
        return {AT: self.kept}

    def assignment(self) -> set[TopicPartition]:
        return {AT}

    async def getmany(self, **_limits: object) -> Mapping[TopicPartition, Sequence[RawRecord]]:
        if not self.fetches:
            return {}
        fetched = self.fetches.pop(0)
        self.state.position = fetched[-1].offset + 1
        return {AT: fetched}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append((partition, offset))
        self.state.position = offset

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:
        if self.commit_ends:
            raise self.commit_ends.pop(0)
        assert all(note == "first\0" for _, note in offsets.values())
        self.committed.append({partition: offset for partition, (offset, _) in offsets.items()})
        await self.answered.wait()

    async def _commit_once(self, _assignment: None, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        await self.commit({partition: (at.offset, at.metadata) for partition, at in offsets.items()})


class Broker:
    """Its data topic has the id that it is given."""

    data_topic_id = "first"
    is_away = False

    async def find_data_topic_id(self) -> str | None:
        return None if self.is_away else self.data_topic_id


Act = Callable[[Source, Consumer, Broker], Awaitable[None]]


@pytest.fixture
def play() -> Iterator[Callable[[Act], None]]:
    """Runs a scene with a source that has its partition."""

    async def run(act: Act) -> None:
        broker: Any = Broker()
        source = Source(StageSettings.read("a server", []), "group", broker)
        await source._consumer.stop()  # the real one
        source._consumer = consumer = Consumer()
        source._topic_id = broker.data_topic_id
        await source.on_partitions_assigned([AT])
        await act(source, consumer, broker)

    yield lambda act: asyncio.run(run(act))


async def fetched(source: Source, consumer: Consumer, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
    """This batch is in flight."""
    consumer.fetches.append(records)
    while not (read := await source.fetch()):
        pass
    return read


async def other_tasks_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_revocation_commits_a_batch_in_flight_when_it_is_acknowledged_and_not_before(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        first = await fetched(source, consumer, batch(0, 5))
        second = await fetched(source, consumer, batch(5, 5))
        source.acknowledge(second)
        revoking = asyncio.ensure_future(source.on_partitions_revoked([AT]))
        await other_tasks_run()
        assert (revoking.done(), consumer.committed) == (False, [])
        source.acknowledge(first)
        await revoking
        assert consumer.committed == [{AT: 10}]

    play(act)


def test_a_revocations_commit_that_nobody_takes_at_once_is_made_again_before_the_partitions_go(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "RETRY_S", 0.0)

    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer.commit_ends = [RequestTimedOutError(), NotCoordinatorForGroupError()]
        await source.on_partitions_revoked([AT])
        assert consumer.committed == [{AT: 5}]

    play(act)


def test_a_revocations_commit_that_comes_too_late_for_the_group_is_not_made_again(play: Callable[[Act], None]) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer.commit_ends = [IllegalGenerationError()]
        await source.on_partitions_revoked([AT])
        assert consumer.committed == []

    play(act)


def test_who_asks_for_records_while_there_are_none_to_have_counts_as_a_member_that_fetches(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "REBALANCE_WAIT_S", 0.0)

    async def act(source: Source, consumer: Consumer, broker: Broker) -> None:
        await source.on_partitions_revoked([AT])
        assert await source.read() == []
        assert consumer.counts_as_fetching == 1
        await source.on_partitions_assigned([AT])
        broker.is_away = True
        assert await source.read() == []
        assert consumer.counts_as_fetching == 2

    play(act)


def test_what_became_of_a_commit_is_asked_until_it_is_decided(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "RETRY_S", 0.0)

    async def act(source: Source, _consumer: Consumer, _broker: Broker) -> None:
        answers: list[Mapping[TopicPartition, int] | None] = []

        async def committed(_partitions: object, topic_id: str) -> Mapping[TopicPartition, int] | None:
            assert topic_id == "first"
            return answers.pop(0)

        monkeypatch.setattr(source._decided, "committed", committed)
        answers += [None, {AT: 5}]
        assert await source.have_committed({AT: (5, "first\0")})
        answers += [{AT: 4}]
        assert not await source.have_committed({AT: (5, "first\0")})

    play(act)


def test_a_revocation_whose_time_is_over_commits_nothing_that_was_not_acknowledged(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "REVOKE_TIMEOUT_S", 0.0)

    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        in_flight = await fetched(source, consumer, batch(0, 5))
        await source.on_partitions_revoked([AT])
        assert consumer.committed == []
        source.acknowledge(in_flight)
        await source._commit()
        assert consumer.committed == [], "it is another instance's now"

    play(act)


def test_a_member_that_was_given_up_commits_nothing_of_what_was_in_flight(play: Callable[[Act], None]) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer._coordinator.generation = -1
        await source.on_partitions_revoked([AT])
        await source._commit()
        assert consumer.committed == []

    play(act)


def test_what_is_read_ahead_and_not_taken_yet_is_not_committed_though_the_position_is_behind_it(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        consumer.fetches.append(batch(0, 5))
        while not (waiting := await source.read()):
            pass
        consumer.state.position = 9  # markers follow
        assert await source.read() == []
        await source._commit()
        assert consumer.committed == [{AT: 0}], "where it began to read, and no further"
        source.take(waiting)
        source.acknowledge(waiting)
        assert await source.read() == []
        await source._commit()
        assert consumer.committed == [{AT: 0}, {AT: 9}]

    play(act)


def test_offsets_of_a_topic_that_was_created_again_are_never_committed_and_it_is_read_from_its_beginning(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, broker: Broker) -> None:
        in_flight = await fetched(source, consumer, batch(0, 5))
        source.acknowledge(in_flight)
        broker.data_topic_id = "second"
        assert not await source._commit()
        assert consumer.committed == []
        await fetched(source, consumer, batch(0, 5))
        assert consumer.seeks == [(AT, 0), (AT, 0)], "at the start, and now"
        broker.data_topic_id = "first"  # another broker has not heard of it yet
        assert not await source.is_same_topic()
        await fetched(source, consumer, batch(5, 5))
        assert consumer.seeks == [(AT, 0), (AT, 0)], "it does not go back and forth"

    play(act)


def test_where_another_instance_has_committed_the_new_topic_it_is_read_on_from_there(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, broker: Broker) -> None:
        await fetched(source, consumer, batch(0, 5))
        broker.data_topic_id = "second"
        consumer.kept = OffsetAndMetadata(3, "second\0")
        await source.is_same_topic()
        await fetched(source, consumer, batch(3, 5))
        assert consumer.seeks == [(AT, 0), (AT, 3)]

    play(act)


def test_a_position_that_goes_back_is_a_question_for_the_topics_id_before_anything_is_taken(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        broker.data_topic_id = "second"
        consumer.fetches.append(batch(0, 3))  # the client went to the beginning: there is less than at the old offset
        assert await source.fetch() == []
        again = await fetched(source, consumer, batch(0, 3))
        assert source.holds(again)
        assert consumer.seeks == [(AT, 0), (AT, 0), (AT, 0)], "at the start; where it was surprised; and now"

    play(act)


def test_a_commit_before_the_scoring_that_is_refused_is_an_error_and_no_lost_batch(play: Callable[[Act], None]) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        records = await fetched(source, consumer, batch(0, 5))
        consumer.commit_ends = [GroupAuthorizationFailedError("group")]
        with pytest.raises(BrokerRefused, match="GroupAuthorizationFailed"):
            await source.commit_before(records)

    play(act)


def test_a_commit_before_the_scoring_is_tried_again_after_an_outage_and_given_up_after_a_rebalance(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "RETRY_S", 0.0)

    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        records = await fetched(source, consumer, batch(0, 5))
        consumer.commit_ends = [RequestTimedOutError()]
        assert await source.commit_before(records)
        assert consumer.committed == [{AT: 5}]
        consumer.commit_ends = [CommitFailedError()]
        assert not await source.commit_before(records)

    play(act)


def test_a_commit_before_the_scoring_that_waits_until_the_group_was_rebalanced_is_not_made_any_more(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        records = await fetched(source, consumer, batch(0, 5))
        consumer.coordinator_known.clear()  # it has died
        committing = asyncio.ensure_future(source.commit_before(records))
        await other_tasks_run()
        consumer._coordinator.generation = 2  # by now another instance may have read these records, and gone
        consumer.coordinator_known.set()
        assert not await committing
        assert consumer.committed == []

    play(act)


def test_a_commit_after_the_scoring_that_waits_until_the_group_was_rebalanced_is_not_made_any_more(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer.coordinator_known.clear()  # it has died
        committing = asyncio.ensure_future(source._commit())
        await other_tasks_run()
        consumer._coordinator.generation = 2  # by now another instance may be far ahead: the group would go back
        consumer.coordinator_known.set()
        assert not await committing
        assert consumer.committed == []

    play(act)


def test_a_batch_that_was_committed_before_the_scoring_is_ours_though_its_partitions_were_revoked_meanwhile(
    play: Callable[[Act], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "REVOKE_TIMEOUT_S", 0.0)

    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        records = await fetched(source, consumer, batch(0, 5))
        consumer.answered.clear()
        committing = asyncio.ensure_future(source.commit_before(records))
        await other_tasks_run()
        await source.on_partitions_revoked([AT])
        consumer.answered.set()
        assert await committing, "the next owner begins behind it: nobody else scores it"

    play(act)


def test_a_commit_for_the_old_topic_that_is_answered_late_leaves_the_new_topics_offsets_to_be_committed(
    play: Callable[[Act], None],
) -> None:
    async def act(source: Source, consumer: Consumer, broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 9)))
        consumer.answered.clear()
        committing = asyncio.ensure_future(source._commit())
        await other_tasks_run()
        broker.data_topic_id = "second"
        await source.is_same_topic()
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer.answered.set()
        await committing
        assert source._ledger.committable() == {tuple(AT): 5}

    play(act)


def test_commits_that_are_refused_end_the_serving(play: Callable[[Act], None]) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        source.acknowledge(await fetched(source, consumer, batch(0, 5)))
        consumer.commit_ends = [GroupAuthorizationFailedError("group")]
        with pytest.raises(BrokerRefused, match="GroupAuthorizationFailed"):
            await source.commit_acknowledged()

    play(act)


@pytest.mark.parametrize(("topic_id", "begins"), [("", 7), ("first\0", 7), ("an older one\0", 0)])
def test_an_offset_that_was_committed_with_another_topics_id_counts_for_nothing(
    play: Callable[[Act], None], topic_id: str, begins: int
) -> None:
    async def act(source: Source, consumer: Consumer, _broker: Broker) -> None:
        consumer.kept = OffsetAndMetadata(7, topic_id)
        await fetched(source, consumer, batch(0))
        assert consumer.seeks == [(AT, begins)]

    play(act)
