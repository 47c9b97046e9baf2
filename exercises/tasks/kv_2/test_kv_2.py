"""Grades kv-2: the changelog before the offsets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.streams import Stage, first_offsets, on_stage, scored_values
from exercises.played.wines import ALCOHOL
from serving.errors import BrokerRefused
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.states import States
from serving.streams.batches import Batch


class State:
    """Scores as every state does; notes what is written, and says what the changelog has when a grader says so."""

    def __init__(self) -> None:
        self._states = States()
        self._states.accept(ALCOHOL)
        self.meanwhile: Callable[[], None] = lambda: None
        self.written: list[int] = []
        self.written_stale = False
        self.changelog_has_it = asyncio.Event()
        self.refusal: Exception | None = None

    def score_batch(self, batch: Batch) -> tuple[BatchOutcome, Any]:
        """See ``TableState``."""
        outcome = self._states.score_batch(batch.records)
        self.meanwhile()
        return outcome, {"after": batch.records[0].offset}

    def write(self, batch: Batch, after: Any) -> None:
        """See ``TableState``."""
        self.written_stale |= batch.stale
        self.written.append(after["after"])

    async def acknowledged(self) -> None:
        """See ``TableState``."""
        await self.changelog_has_it.wait()
        if self.refusal is not None:
            raise self.refusal


class Scene:
    """A stage, the state on it, and what was written when ``finish`` was handed over."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.state = State()
        stage.engine._state = self.state
        self.written_before_finish: list[int] | None = None
        original = stage.engine.application.finish

        async def finish(finishing: Any) -> None:
            self.written_before_finish = list(self.state.written)
            await original(finishing)

        stage.engine.application.finish = finish

    async def scored(self) -> None:
        """The agent's work on a batch at offset 7, until it turns to the next one."""
        await self.stage.happened(
            self.stage.scoring(self.stage.batch(7, 9.4)),
            "The next batch must wait until the broker has acknowledged this one.",
            "the agent's work on a batch ends while the broker still writes: finish() waits in the background",
            "while the broker writes, no model works: most of the throughput is gone",
        )

    def reject_done(self, sentence: str, expected: str, means: str) -> None:
        """Reject the answer if the batch is done with."""
        told = f"acknowledged: {self.stage.acknowledged}, reported: {first_offsets(self.stage.reported)}"
        expect(
            not self.stage.acknowledged,
            f"A batch was acknowledged {sentence}",
            expected=expected,
            happened=told,
            means=means,
        )
        expect(
            not self.stage.reported,
            f"A batch was reported {sentence}",
            expected=expected,
            happened=told,
            means="the metrics count a batch that is redelivered after a crash, and then count it again",
        )


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs a play on a new stage."""
    engine = answer.load().Engine

    def playing(play: Callable[[Scene], Awaitable[None]]) -> None:
        async def on(stage: Stage) -> None:
            await play(Scene(stage))

        on_stage(engine, on)

    return playing


def test_a_batch_is_written_sent_acknowledged_and_reported(play: Play) -> None:
    async def all_goes_well(scene: Scene) -> None:
        scene.stage.sink.answers_at_once = True
        scene.state.changelog_has_it.set()
        await scene.scored()
        scene.stage.raise_crash()
        expect(
            scene.state.written == [7],
            "The states after the batch were not written once.",
            expected="self._state.write(batch, after) is called once",
            happened=f"it is called {len(scene.state.written)} times",
            means="the counters stay what they were, on the disk and in the changelog",
        )
        values = scored_values(scene.stage.sink.outcomes)
        expect(
            values == [[9.4]],
            "The outcome of the batch was not sent once.",
            expected="one outcome, of the score 9.4",
            happened=values,
            means="a reader of the scores topic sees no scores, or sees them twice",
        )
        told = (scene.stage.acknowledged, first_offsets(scene.stage.reported))
        expect(
            told == ([7], [7]),
            "A batch whose scores and rows Kafka has was not acknowledged and reported once.",
            expected="one batch.acknowledge(), one report.batch_finished(outcome)",
            happened=f"{len(told[0])} acknowledgements, {len(told[1])} reports",
            means="its offsets are never committed, or the metrics show another number of records",
        )

    play(all_goes_well)


def test_of_a_stale_batch_nothing_is_written_or_sent(play: Play) -> None:
    async def revoked_while_scoring(scene: Scene) -> None:
        scene.stage.sink.answers_at_once = True
        scene.state.changelog_has_it.set()
        scene.state.meanwhile = scene.stage.consumer.revoke
        await scene.scored()
        expect(
            not scene.state.written,
            "The rows of a stale batch were written.",
            expected="no write: the partition was revoked while the model worked",
            happened="self._state.write was called",
            means="the row comes behind the new owner's in the changelog, and is what the next restore finds",
        )
        expect(
            not scene.stage.sink.outcomes,
            "A stale batch's scores were sent.",
            expected="nothing is sent",
            happened=f"sent: {scored_values(scene.stage.sink.outcomes)}",
            means="the new owner has sent its scores of these records already, and these come behind them",
        )

    play(revoked_while_scoring)


def test_nothing_is_awaited_between_the_question_and_the_write(play: Play) -> None:
    async def revoked_while_sending(scene: Scene) -> None:
        scene.state.changelog_has_it.set()
        scene.stage.sink.has_room.clear()
        work = scene.stage.scoring(scene.stage.batch(7, 9.4))
        await scene.stage.happened(
            scene.stage.sink.asked.wait(),
            "The outcome of the batch was not sent once.",
            "sink.enqueue(outcome) is called",
            "a reader of the scores topic sees no scores",
        )
        scene.stage.consumer.revoke()
        scene.stage.sink.has_room.set()
        await scene.stage.happened(
            work,
            "The agent's work on a batch did not end, though nothing is left to wait for.",
            "it returns",
            "the agent never turns to the next batch: the partition stands still",
        )
        expect(
            not scene.state.written_stale,
            "The rows were written after a wait in which the partition was revoked.",
            expected="the write follows the question batch.stale directly, with no await between them",
            happened="the producer had no room, the partition was revoked meanwhile, and then write was called",
            means="the row comes behind the new owner's in the changelog, and is what the next restore finds",
        )

    play(revoked_while_sending)


def test_the_states_are_written_before_the_next_batch_is_scored(play: Play) -> None:
    async def when_finish_is_handed_over(scene: Scene) -> None:
        scene.stage.sink.answers_at_once = True
        scene.state.changelog_has_it.set()
        await scene.scored()
        expect(
            scene.written_before_finish == [7],
            "The states were not yet written when the agent turned to the next batch.",
            expected="self._state.write(batch, after) before finish is handed over",
            happened="it was called in finish, in the background",
            means="the next batch counts on from the old states: this batch's wines are never counted",
        )

    play(when_finish_is_handed_over)


def test_the_changelog_has_the_rows_before_the_acknowledgement(play: Play) -> None:
    async def the_changelog_is_slow(scene: Scene) -> None:
        scene.stage.sink.answers_at_once = True
        await scene.scored()
        scene.reject_done(
            "before the changelog had its rows.",
            "after self._state.acknowledged() has ended",
            "its offsets are committed; the disk is lost now, and these wines are counted nowhere",
        )

    play(the_changelog_is_slow)


def test_the_broker_has_the_scores_before_the_acknowledgement(play: Play) -> None:
    async def the_scores_are_slow(scene: Scene) -> None:
        scene.state.changelog_has_it.set()
        await scene.scored()
        scene.reject_done(
            "before the broker had its scores.",
            "after the awaitable that enqueue gave has ended",
            "its offsets are committed; a crash now, and these records never get a score",
        )

    play(the_scores_are_slow)


@pytest.mark.parametrize("refused", ["rows", "scores"])
def test_what_the_broker_refuses_is_never_acknowledged(play: Play, refused: str) -> None:
    async def refusal(scene: Scene) -> None:
        error = BrokerRefused("writing", "no right")
        await scene.scored()
        if refused == "rows":
            scene.state.refusal = error
            scene.stage.sink.acknowledge(0)
        else:
            scene.stage.sink.refuse(0, error)
        scene.state.changelog_has_it.set()
        await scene.stage.turns()
        scene.reject_done(
            f"whose {refused} the broker has refused.",
            "never: the wait for them has raised BrokerRefused",
            f"the records are committed, and their {refused} are not in Kafka, and never will be",
        )
        expect(
            bool(scene.stage.crashes),
            f"The error with which the broker refused the {refused} was swallowed.",
            expected="finish() raises it, and the application ends the server",
            happened="finish() ended as if all were well",
            means="the server lives on, commits nothing any more, and nobody is told why",
        )

    play(refusal)
