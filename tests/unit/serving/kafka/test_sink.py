"""What is done with a producer's answers outside transactions."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    OutOfOrderSequenceNumber,
    TopicAuthorizationFailedError,
)

from custom_stage.delivery.modes import OnceSink
from serving.errors import BrokerRefused
from serving.kafka import sink as sink_module
from serving.kafka.sink import Sink
from serving.scoring.outcomes import BatchOutcome
from serving.settings.server import Settings
from tests.support.played_producer import REJECTED, SCORED, Broker, Producer, other_tasks_run

HANGS_S = 60.0
BATCHES = {"a score": SCORED, "a dead letter": REJECTED}
of_each_kind = pytest.mark.parametrize("served", BATCHES.values(), ids=BATCHES.keys())


class Scene:
    """A sink whose producers, one after the other, answer as they are told."""

    def __init__(self, *answers: BaseException | None, kind: type[Sink] = Sink) -> None:
        self.producers = [Producer(answer) for answer in answers]
        self._left = list(self.producers)
        broker: Any = Broker()
        self.sink = kind(Settings.read("program", []), "a variant", broker)
        self.sink._connected = self._connected  # type: ignore[method-assign]

    async def _connected(self) -> Any:
        return self._left.pop(0)

    async def written(self, *batches: BatchOutcome) -> None:
        await self.sink.start()
        for served in batches:
            await (await self.sink.enqueue(served))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "RETRY_S", 0.0)


def run(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(act(), HANGS_S))


@of_each_kind
def test_a_batch_is_acknowledged_when_the_answer_to_all_of_it_has_come_and_not_before(served: BatchOutcome) -> None:
    async def act() -> None:
        scene = Scene(TimeoutError())
        writing = asyncio.ensure_future(scene.written(served))
        await other_tasks_run()
        assert not writing.done()
        scene.producers[0].unanswered[0].set_result(None)
        await writing

    run(act)


def test_dead_letters_are_sent_together_and_none_waits_for_another() -> None:
    async def act() -> None:
        scene = Scene(TimeoutError())
        many = BatchOutcome(REJECTED.records, [], list(REJECTED.rejected) * 50, [])
        writing = asyncio.ensure_future(scene.written(many))
        await other_tasks_run()
        assert len(scene.producers[0].unanswered) == 50
        writing.cancel()

    run(act)


@of_each_kind
def test_a_refusal_is_raised_with_its_topic(served: BatchOutcome) -> None:
    async def act() -> None:
        scene = Scene(TopicAuthorizationFailedError())
        with pytest.raises(BrokerRefused, match="writing to models_"):
            await scene.written(served)

    run(act)


@of_each_kind
def test_what_passes_is_waited_for_and_it_is_sent_again(served: BatchOutcome) -> None:
    async def act() -> None:
        scene = Scene(NotLeaderForPartitionError())
        writing = asyncio.ensure_future(scene.written(served))
        await other_tasks_run()
        scene.producers[0].answer = None
        await writing
        assert len(scene.producers[0].sent) > 1

    run(act)


def test_a_dead_letter_that_is_too_large_for_its_topic_after_all_goes_without_its_content() -> None:
    async def act() -> None:
        rejected = REJECTED.rejected[0]
        large = BatchOutcome([], [], [type(rejected)(rejected.record._replace(value=b"v" * 10_000), "bad")], [])  # type: ignore[attr-defined]
        scene = Scene(TimeoutError())
        writing = asyncio.ensure_future(scene.written(large))
        await other_tasks_run()
        scene.producers[0].answer = None
        scene.producers[0].unanswered[0].set_exception(MessageSizeTooLargeError())
        await writing
        without, omitted = (dict(headers) for headers in scene.producers[0].headers)
        assert ("omitted" in without, "omitted" in omitted) == (False, True)

    run(act)


@pytest.mark.parametrize("error", [OutOfOrderSequenceNumber(), KafkaError("unexpected")])
@pytest.mark.parametrize("kind", [Sink, OnceSink])
def test_a_broken_producer_is_replaced_once_for_all_batches(error: KafkaError, kind: type[Sink]) -> None:
    async def act() -> None:
        scene = Scene(error, None, kind=kind)
        await scene.sink.start()
        both = [await scene.sink.enqueue(SCORED) for _ in range(2)]
        await asyncio.gather(*both)
        assert [each.sent for each in scene.producers] == [["models_scores"] * 2] * 2
        assert scene.producers[0].ended == ["stopped"]

    run(act)


@pytest.mark.parametrize(("kind", "sent_again"), [(Sink, 2), (OnceSink, 1)])
def test_what_is_in_flight_behind_the_batch_that_broke_its_producer_gets_no_answer_and_is_not_waited_for(
    kind: type[Sink], sent_again: int
) -> None:
    async def act() -> None:
        scene = Scene(TimeoutError(), None, kind=kind)
        await scene.sink.start()
        both = asyncio.gather(*[await scene.sink.enqueue(SCORED) for _ in range(2)])
        await other_tasks_run()
        scene.producers[0].unanswered[0].set_exception(OutOfOrderSequenceNumber())
        await both
        assert len(scene.producers[1].sent) == sent_again  # at most once: the other one may be in Kafka

    run(act)


def test_at_most_once_scores_whose_answer_was_lost_are_not_sent_again_and_those_refused_are_an_error() -> None:
    async def act() -> None:
        lost = Scene(NotLeaderForPartitionError(), kind=OnceSink)
        await lost.written(SCORED)
        assert lost.producers[0].sent == ["models_scores"]
        refused = Scene(MessageSizeTooLargeError(), kind=OnceSink)
        with pytest.raises(BrokerRefused):
            await refused.written(SCORED)

    run(act)
