"""Grades im-1: from Kafka to Kafka, and nothing lost."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.streams import Stage, first_offsets, on_stage, scored_values
from exercises.played.wines import AlcoholModel
from model.features import Features, Values
from model.model import LoadedModel
from serving.errors import BrokerRefused

NEVER_RETURNED = "The agent's work on a batch did not end, though nothing is left to wait for."


class Model(AlcoholModel):
    """Notes on which thread it works, and does what a grader wants to happen meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.meanwhile: Callable[[], None] = lambda: None

    def score(self, features: Features) -> Values:
        """See ``Model``."""
        self.threads.add(threading.get_ident())
        self.meanwhile()
        return super().score(features)


class Play:
    """Runs a play on a new stage, with a model."""

    def __init__(self, answer: Answer) -> None:
        self._engine = answer.load().Engine
        self.model = Model()

    def __call__(self, play: Callable[[Stage], Awaitable[None]]) -> None:
        """Play once."""

        async def with_model(stage: Stage) -> None:
            stage.engine._state.accept(LoadedModel("alcohol", "", "wine", "ONNX", self.model))
            await play(stage)

        on_stage(self._engine, with_model)


@pytest.fixture
def play(answer: Answer) -> Play:
    return Play(answer)


async def scored(stage: Stage, offset: int, *alcohol: float) -> None:
    """The agent's work on a batch, until it turns to the next one."""
    await stage.happened(
        stage.scoring(stage.batch(offset, *alcohol)),
        "The next batch must wait until the broker has acknowledged this one.",
        "the agent's work on a batch ends while the broker still writes: finish() waits in the background",
        "while the broker writes, no model works: most of the throughput is gone",
    )


def test_a_batch_is_scored_sent_acknowledged_and_reported(play: Play) -> None:
    async def all_goes_well(stage: Stage) -> None:
        stage.sink.answers_at_once = True
        work: Any = stage.scoring(stage.batch(7, 9.4, 10.0))
        await stage.happened(
            work, NEVER_RETURNED, "it returns", "the agent never turns to the next batch: the partition stands still"
        )
        stage.raise_crash()
        values = scored_values(stage.sink.outcomes)
        expect(
            values == [[9.4, 10.0]],
            "The outcome of the batch was not sent once.",
            expected="one outcome, of the scores 9.4 and 10.0",
            happened=values,
            means="a reader of the scores topic sees no scores, or sees them twice",
        )
        expect(
            stage.acknowledged == [7],
            "A batch whose scores Kafka has was not acknowledged once.",
            expected="batch.acknowledge() is called once",
            happened=f"it is called {len(stage.acknowledged)} times",
            means="its offsets are never committed: after each start all its records are scored again",
        )
        expect(
            first_offsets(stage.reported) == [7],
            "A batch whose scores Kafka has was not reported once.",
            expected="report.batch_finished(outcome) is called once",
            happened=f"it is called {len(stage.reported)} times",
            means="the console and the metrics show another number of records than were scored",
        )

    play(all_goes_well)


def test_the_model_works_off_the_event_loop(play: Play) -> None:
    async def where_the_model_works(stage: Stage) -> None:
        stage.sink.answers_at_once = True
        await scored(stage, 7, 9.4)
        expect(
            threading.get_ident() not in play.model.threads,
            "The model worked on the event loop's own thread.",
            expected="self.application.in_thread(...) calls score_batch in a thread",
            happened="score_batch was called on the event loop",
            means="while a model works, no query is answered and no heartbeat sent: the group gives us up",
        )

    play(where_the_model_works)


def test_a_stale_batch_is_given_up(play: Play) -> None:
    async def revoked_while_scoring(stage: Stage) -> None:
        stage.sink.answers_at_once = True
        play.model.meanwhile = stage.consumer.revoke
        await scored(stage, 7, 9.4)
        expect(
            not stage.sink.outcomes,
            "A stale batch's scores were sent.",
            expected="nothing is sent: the partition was revoked while the model worked",
            happened=f"sent: {scored_values(stage.sink.outcomes)}",
            means="the new owner has sent its scores of these records already, and these come behind them",
        )
        expect(
            not stage.reported,
            "A stale batch was reported as finished.",
            expected="nothing is reported",
            happened="report.batch_finished was called",
            means="these records are counted here, and again by the instance that owns the partition now",
        )

    play(revoked_while_scoring)


def test_scores_leave_in_the_order_of_their_batches(play: Play) -> None:
    async def the_buffer_is_full(stage: Stage) -> None:
        stage.sink.has_room.clear()
        work = stage.scoring(stage.batch(7, 9.4))
        await stage.happened(
            stage.sink.asked.wait(),
            "The outcome of the batch was not sent once.",
            "sink.enqueue(outcome) is called",
            "a reader of the scores topic sees no scores",
        )
        expect(
            not work.done(),
            "The agent turned to the next batch before the producer had taken this one.",
            expected="_score_batch awaits sink.enqueue(outcome) itself",
            happened="it returned while the producer's buffer was full",
            means="when there is room again, the next batch's scores may be written before this one's",
        )

    play(the_buffer_is_full)


def test_a_batch_is_not_acknowledged_before_the_broker_has_its_scores(play: Play) -> None:
    async def the_broker_is_slow(stage: Stage) -> None:
        await scored(stage, 7, 9.4)
        expect(
            not stage.acknowledged,
            "The batch was acknowledged before the broker had its scores.",
            expected="batch.acknowledge() after the awaitable that enqueue gave has ended",
            happened="it was called while the broker had acknowledged nothing",
            means="its offsets are committed; a crash now, and these records never get a score",
        )
        expect(
            not stage.reported,
            "The batch was reported before the broker had its scores.",
            expected="report.batch_finished(outcome) after the awaitable that enqueue gave has ended",
            happened="it was called while the broker had acknowledged nothing",
            means="the metrics count scores that nobody can read, and after a crash count them twice",
        )

    play(the_broker_is_slow)


def test_a_batch_that_the_broker_refuses_is_never_acknowledged(play: Play) -> None:
    async def refused(stage: Stage) -> None:
        await scored(stage, 7, 9.4)
        stage.sink.refuse(0, BrokerRefused("writing to models_scores", "no right"))
        await stage.turns()
        expect(
            not stage.acknowledged,
            "A batch was acknowledged whose scores the broker has refused.",
            expected="no acknowledgement: enqueue's awaitable has raised BrokerRefused",
            happened="batch.acknowledge() was called all the same",
            means="the records are committed, and no score of theirs is in Kafka, or ever will be",
        )
        expect(
            not stage.reported,
            "A batch was reported whose scores the broker has refused.",
            expected="no report: enqueue's awaitable has raised BrokerRefused",
            happened="report.batch_finished was called all the same",
            means="the metrics count scores that are not in Kafka",
        )
        expect(
            bool(stage.crashes),
            "The error with which the broker refused the scores was swallowed.",
            expected="finish() raises it, and the application ends the server",
            happened="finish() ended as if all were well",
            means="the server lives on, commits nothing any more, and nobody is told why",
        )

    play(refused)


def test_each_batch_has_its_own_acknowledgement(play: Play) -> None:
    async def two_in_flight(stage: Stage) -> None:
        await scored(stage, 7, 9.4)
        await scored(stage, 8, 10.0)
        stage.sink.acknowledge(0)
        await stage.turns()
        told = (stage.acknowledged, first_offsets(stage.reported))
        expect(
            told == ([7], [7]),
            "With two batches in flight, the broker's answer for one was taken for the other's.",
            expected="after the answer for batch 7: 7 is acknowledged, and 7 is reported",
            happened=f"acknowledged {told[0]}, reported {told[1]}",
            means="batch 8's offsets are committed before its scores are in Kafka: a crash now loses them",
        )

    play(two_in_flight)
