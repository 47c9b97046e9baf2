"""Grades cs-4: answer by a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.time import others_run, run
from model.features import Features, Values

DEADLINE_S = 2.0
LIMIT_S = 600.0  # of played time
BATCH = np.ones((3, 11))
SLOW, FAST = 5.0, 1.0  # the scores


class SlowModelBroken(Exception):
    """What the slow model raises."""


@dataclass
class Surroundings:
    """The two models: the slow one answers after a while."""

    answers_after_s: float
    breaks: bool = False
    slow_asked = slow_cancelled = fallback_asked = 0

    async def slow(self, features: Features) -> Values:
        """An answer after a while, if it is not cancelled."""
        self.slow_asked += 1
        try:
            await asyncio.sleep(self.answers_after_s)
        except asyncio.CancelledError:
            self.slow_cancelled += 1
            raise
        if self.breaks:
            raise SlowModelBroken
        return np.full(len(features), SLOW)

    async def fallback(self, features: Features) -> Values:
        """An answer at once."""
        self.fallback_asked += 1
        return np.full(len(features), FAST)


Play = Callable[[Surroundings, Callable[[Any], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs a scene with a scorer of these two models."""
    module = answer.load()

    async def limited(surroundings: Surroundings, scene: Callable[[Any], Awaitable[None]]) -> None:
        scorer = module.DeadlineScorer(surroundings.slow, surroundings.fallback, DEADLINE_S)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, _context: None)  # told by a sentence of ours
        try:
            async with asyncio.timeout(LIMIT_S) as limit:
                await scene(scorer)
        except TimeoutError:
            if not limit.expired():
                raise
            reject(
                "The scorer gives no answer at all.",
                expected=f"the fallback's after {DEADLINE_S:g} s",
                happened=f"nothing for {LIMIT_S:g} s",
                means="the batch keeps its slot, and soon the server stands still",
            )

    return lambda surroundings, scene: run(limited(surroundings, scene))


def now_s() -> float:
    return asyncio.get_running_loop().time()


def shown(scores: Any) -> str:
    return f"{scores.values.tolist()}, is_fallback={scores.is_fallback}"


@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.9])
def test_the_slow_model_answers_in_time(play: Play, after_s: float) -> None:
    async def scene(scorer: Any) -> None:
        began_s = now_s()
        scores = await scorer.score(BATCH)
        took_s = now_s() - began_s
        expect(
            scores.values.tolist() == [SLOW] * 3,
            "The slow model would have answered in time, and was not waited for.",
            expected=f"deadline {DEADLINE_S:g} s, its answer after {after_s:g} s: the slow model's scores",
            happened=f"{shown(scores)}, after {took_s:g} s",
            means="the better model is paid for, and its scores are hardly ever used",
        )
        expect(
            scores.is_fallback is False,
            "The slow model's scores are marked as the fallback's.",
            expected="is_fallback=False",
            happened=shown(scores),
            means="a consumer of the scores throws the good ones away",
        )
        expect(
            abs(took_s - after_s) < 0.05,
            "The answer was there, but was not returned at once.",
            expected=f"the scores after {after_s:g} s",
            happened=f"the scores after {took_s:g} s",
            means="every record takes as long as the slowest: the deadline becomes the latency",
        )

    play(Surroundings(after_s), scene)


@pytest.mark.parametrize("after_s", [2.1, 3600.0])
def test_the_fallback_answers_when_the_deadline_is_over(play: Play, after_s: float) -> None:
    async def scene(scorer: Any) -> None:
        began_s = now_s()
        scores = await scorer.score(BATCH)
        took_s = now_s() - began_s
        expect(
            scores.values.tolist() == [FAST] * 3,
            "The slow model's scores were used although the deadline was over.",
            expected=f"the fallback's scores after {DEADLINE_S:g} s",
            happened=f"{shown(scores)}, after {took_s:g} s",
            means="who asked has gone on without an answer",
        )
        expect(
            scores.is_fallback is True,
            "The fallback's scores are not marked.",
            expected="is_fallback=True",
            happened=shown(scores),
            means="nobody can tell good scores from makeshift ones afterwards",
        )
        expect(
            took_s < DEADLINE_S + 0.05,
            "The fallback was asked too late.",
            expected=f"its scores {DEADLINE_S:g} s after the question",
            happened=f"its scores after {took_s:g} s",
            means="the deadline is missed by all the time that the slow model takes",
        )

    play(Surroundings(after_s), scene)


def test_the_slow_model_gets_its_whole_time(play: Play) -> None:
    async def scene(scorer: Any) -> None:
        began_s = now_s()
        await scorer.score(BATCH)
        took_s = now_s() - began_s
        expect(
            took_s > DEADLINE_S - 0.05,
            "The slow model was given up before its deadline.",
            expected=f"it is waited for {DEADLINE_S:g} s",
            happened=f"the fallback's scores after {took_s:g} s",
            means="the fallback scores what the better model would have scored",
        )

    play(Surroundings(3600.0), scene)


@pytest.mark.parametrize("after_s", [0.5, 3600.0])
def test_records_are_counted(play: Play, after_s: float) -> None:
    async def scene(scorer: Any) -> None:
        await scorer.score(BATCH)
        expected = (3, 0) if after_s < DEADLINE_S else (0, 3)
        expect(
            (scorer.in_time, scorer.too_late) == expected,
            "The counters do not show who scored the records.",
            expected=f"after a batch of 3 records in_time={expected[0]}, too_late={expected[1]}",
            happened=f"in_time={scorer.in_time}, too_late={scorer.too_late}",
            means="nobody is alerted when the slow model misses every deadline",
        )
        await scorer.score(BATCH)
        expect(
            (scorer.in_time, scorer.too_late) == (2 * expected[0], 2 * expected[1]),
            "The counters do not count on with a second batch.",
            expected=f"in_time={2 * expected[0]}, too_late={2 * expected[1]}",
            happened=f"in_time={scorer.in_time}, too_late={scorer.too_late}",
            means="nobody is alerted when the slow model misses every deadline",
        )

    play(Surroundings(after_s), scene)


def test_a_late_answer_is_not_counted(play: Play) -> None:
    async def scene(scorer: Any) -> None:
        await scorer.score(BATCH)
        await asyncio.sleep(60)
        expect(
            (scorer.in_time, scorer.too_late) == (0, 3),
            "A late answer of the slow model was counted, too.",
            expected="the batch is counted once: in_time=0, too_late=3",
            happened=f"a minute later in_time={scorer.in_time}, too_late={scorer.too_late}",
            means="the counters show more records than there are",
        )

    play(Surroundings(3.0), scene)


def test_nothing_of_the_slow_model_goes_on_after_the_deadline(play: Play) -> None:
    surroundings = Surroundings(3600.0)

    async def scene(scorer: Any) -> None:
        await scorer.score(BATCH)
        await others_run()
        left = len(asyncio.all_tasks()) - 1
        expect(
            not left and surroundings.slow_cancelled == surroundings.slow_asked,
            "After the deadline the slow model goes on in the background.",
            expected="it is cancelled, and no task is left",
            happened=f"tasks left: {left}; slow calls: {surroundings.slow_asked}, "
            f"cancelled: {surroundings.slow_cancelled}",
            means="each late batch leaves a task and a connection, until there are no more of them",
        )

    play(surroundings, scene)


def test_an_error_of_the_slow_model_goes_to_the_caller(play: Play) -> None:
    async def scene(scorer: Any) -> None:
        raised = None
        try:
            await scorer.score(BATCH)
        except SlowModelBroken as error:
            raised = error
        expect(
            raised is not None,
            "An error of the slow model is hidden.",
            expected="it breaks in time: its error goes to the caller",
            happened="the scorer answered as if nothing had happened",
            means="a broken model hides behind its fallback for weeks",
        )
        expect(
            (scorer.in_time, scorer.too_late) == (0, 0),
            "A batch that has no scores was counted.",
            expected="the slow model breaks in time: in_time=0, too_late=0",
            happened=f"in_time={scorer.in_time}, too_late={scorer.too_late}",
            means="the counters show scores that never were",
        )

    play(Surroundings(0.5, breaks=True), scene)


def test_a_caller_that_is_cancelled_cancels_the_slow_model(play: Play) -> None:
    surroundings = Surroundings(3600.0)

    async def scene(scorer: Any) -> None:
        asking = asyncio.ensure_future(scorer.score(BATCH))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.wait([asking])
        expect(
            asking.cancelled(),
            "A cancelled caller gets an answer all the same.",
            expected="the CancelledError passes through",
            happened="the scorer swallowed it, and asked the fallback",
            means="the server does not stop when it is told to",
        )
        await others_run()
        expect(
            surroundings.slow_cancelled == surroundings.slow_asked,
            "The caller was cancelled, and the slow model goes on without it.",
            expected="the slow model is cancelled, too",
            happened=f"slow calls: {surroundings.slow_asked}, cancelled: {surroundings.slow_cancelled}",
            means="the end of the server waits for answers that nobody wants",
        )

    play(surroundings, scene)
