"""Transactions whose producer is played: what is written, refused, revoked or never answered, and what is committed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    InvalidProducerIdMapping,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
)

from custom_stage.delivery import transactional_sink
from custom_stage.delivery.transactional_sink import TransactionalSink
from custom_stage.settings import StageSettings
from model.errors import ServingError
from serving.errors import BrokerRefused, ClockRefused, InstanceFenced
from serving.scoring.outcomes import BatchOutcome
from tests.support.played_producer import REJECTED, SCORED, Broker, Producer, other_tasks_run


class Source:
    """Holds every batch, until it is told that all partitions went."""

    def __init__(self) -> None:
        self.ours = self.same_topic = True
        self.unanswered = 0  # so many questions for the topic's id
        self.committed = False  # whether the group has the offsets of a transaction whose last answer was lost
        self.commit_lock = asyncio.Lock()

    def holds(self, _records: object) -> bool:
        return self.ours

    def next_offsets(self, _records: object) -> Mapping[TopicPartition, int]:
        return {TopicPartition("models_data", 0): 8} if self.ours else {}

    async def is_member(self) -> bool:
        return True

    async def have_committed(self, offsets: Mapping[TopicPartition, int]) -> bool:
        assert offsets
        return self.committed

    async def is_same_topic(self) -> bool:
        self.ours = self.ours and self.same_topic  # it is forgotten
        if self.unanswered:
            self.unanswered -= 1
            return False
        return self.same_topic


class Transactional(Producer):
    """Keeps how its transactions end; while one begins, all partitions are revoked, if so told."""

    def __init__(self, source: Source, answer: BaseException | None) -> None:
        super().__init__(answer)
        self._source = source
        self.taken_away = False
        self.commit_ends: KafkaError | None = None  # when everything else is done

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._source.ours = self._source.ours and not self.taken_away  # while it begins
        try:
            yield
        except BaseException:
            self.ended.append("aborted")
            raise
        if self.commit_ends is not None:
            raise self.commit_ends
        self.ended.append("committed")

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], _group: str) -> None:
        self.sent.append("offsets")
        if not offsets:
            raise ValueError(offsets)  # as aiokafka does


class Scene:
    """A sink whose producers, one after the other, answer as they are told; the last goes on and on."""

    def __init__(self, *answers: BaseException | None) -> None:
        self.source = Source()
        self.producers = [Transactional(self.source, answer) for answer in answers]
        self._left = list(self.producers)
        settings = StageSettings.read("program", [])
        broker: Any = Broker()
        source: Any = self.source
        self.sink = TransactionalSink(settings, "custom_stage", broker, "group", source, "id")
        self.sink._connected = self._connected  # type: ignore[method-assign]

    async def _connected(self) -> Any:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    async def commit(self, *batches: BatchOutcome) -> Sequence[BatchOutcome]:
        await self.sink.start()
        return await self.sink.commit(batches)

    @property
    def ended(self) -> list[list[str]]:
        return [each.ended for each in self.producers]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactional_sink, "RETRY_S", 0.0)


def run(act: Callable[[], Any]) -> Any:
    return asyncio.run(act())


def test_a_batch_that_stays_ours_is_committed() -> None:
    async def act() -> None:
        scene = Scene(None)
        assert await scene.commit(SCORED) == [SCORED]
        assert scene.ended == [["committed"]]
        assert scene.producers[0].sent == ["models_scores", "offsets"]

    run(act)


def test_a_batch_that_is_taken_away_while_its_transaction_begins_is_dropped_and_nothing_is_committed() -> None:
    async def act() -> None:
        scene = Scene(None)
        scene.producers[0].taken_away = True
        assert await scene.commit(SCORED) == []
        assert scene.ended == [["aborted"]]

    run(act)


def test_a_batch_of_a_data_topic_that_was_created_again_meanwhile_is_dropped_and_nothing_is_committed() -> None:
    async def act() -> None:
        scene = Scene(None)
        scene.source.same_topic = False
        assert await scene.commit(SCORED) == []
        assert scene.ended == [["aborted"]]

    run(act)


def test_while_nobody_tells_the_data_topics_id_nothing_is_committed() -> None:
    async def act() -> None:
        scene = Scene(None)
        scene.source.unanswered = 1
        assert await scene.commit(SCORED) == [SCORED]
        assert scene.ended == [["aborted", "committed"]]

    run(act)


@pytest.mark.parametrize("batch", [SCORED, REJECTED], ids=["a score", "a dead letter"])
def test_nothing_is_committed_before_every_answer_has_come(batch: BatchOutcome) -> None:
    async def act() -> None:
        scene = Scene(TimeoutError())
        committing = asyncio.ensure_future(scene.commit(batch))
        await other_tasks_run()
        assert (scene.ended, "offsets" in scene.producers[0].sent) == ([[]], False)
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)
        assert scene.ended == [["aborted"]]

    run(act)


@pytest.mark.parametrize("batch", [SCORED, REJECTED], ids=["a score", "a dead letter"])
@pytest.mark.parametrize(
    ("answer", "raised", "says"),
    [
        (MessageSizeTooLargeError(), BrokerRefused, "max.message.bytes"),
        (InvalidTimestampError(), ClockRefused, "clock"),
    ],
)
def test_a_refusal_ends_it_with_a_remedy_and_nothing_is_committed(
    batch: BatchOutcome, answer: KafkaError, raised: type[ServingError], says: str
) -> None:
    async def act() -> None:
        scene = Scene(answer)
        with pytest.raises(raised, match=says):
            await scene.commit(batch)
        assert scene.ended == [["aborted"]]

    run(act)


@pytest.mark.parametrize("answer", [OutOfOrderSequenceNumber(), InvalidProducerIdMapping(), KafkaError("unexpected")])
def test_a_broken_producer_is_replaced_and_the_batches_are_written_again(answer: KafkaError) -> None:
    async def act() -> None:
        scene = Scene(answer, None)
        assert await scene.commit(SCORED, REJECTED) == [SCORED, REJECTED]
        assert scene.ended == [["aborted", "stopped"], ["committed"]]

    run(act)


def test_a_transaction_whose_last_answer_was_lost_is_written_again_only_if_it_was_not_committed() -> None:
    async def act() -> None:
        for committed in (True, False):
            scene = Scene(None, None)
            scene.producers[0].commit_ends = KafkaError("no coordinator")
            scene.source.committed = committed
            assert await scene.commit(SCORED) == [SCORED]
            assert scene.ended == [["stopped"], [] if committed else ["committed"]]

    run(act)


def test_producers_that_break_one_after_the_other_are_an_error_in_the_end() -> None:
    async def act() -> None:
        scene = Scene(*(OutOfOrderSequenceNumber() for _ in range(20)))
        with pytest.raises(BrokerRefused, match="OutOfOrderSequenceNumber"):
            await scene.commit(SCORED)

    run(act)


def test_fenced_before_its_time_is_over_it_was_another_instance() -> None:
    async def act() -> None:
        scene = Scene(ProducerFenced(), None)
        with pytest.raises(InstanceFenced):
            await scene.commit(SCORED)

    run(act)


def test_a_transaction_that_took_too_long_is_written_again_in_parts_and_with_more_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def act() -> None:
        scene = Scene(ProducerFenced(), ProducerFenced(), None)
        seconds = iter(range(0, 1000, 20))
        monkeypatch.setattr("custom_stage.delivery.transactional_sink.time.time", lambda: next(seconds))
        assert await scene.commit(SCORED, REJECTED) == [SCORED, REJECTED]
        assert scene.ended == [["aborted", "stopped"], ["aborted", "stopped"], ["committed"] * 2]
        assert [len(each.sent) for each in scene.producers] == [2, 1, 4], "both; one; one after the other, offsets too"
        assert scene.sink._timeout_s == 30

    run(act)
