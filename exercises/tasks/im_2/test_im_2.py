"""Grades im-2: by a deadline, inside an agent."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import numpy as np
import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.wines import AlcoholModel
from model.features import WINE, Features, Values

PATIENCE_S, STANDSTILL_S = 4.0, 3.0  # the machine may stand still for 2 s: no right answer is late for that
AT_ONCE_S, LONG_S = 0.05, 30.0

T = TypeVar("T")


class ModelBroken(Exception):
    """What a played model raises."""


class SlowModel(AlcoholModel):
    """Scores as ``AlcoholModel`` does, but only when the grader lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()
        self.is_broken = False
        self.started = self.at_work = self.most_at_work = 0
        self.wait_s = 10 * PATIENCE_S
        self.waited_in_vain = False

    def score(self, features: Features) -> Values:
        """See ``Model``."""
        self.started += 1
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.waited_in_vain = not self.may_answer.wait(self.wait_s)
        self.at_work -= 1
        if self.is_broken:
            raise ModelBroken
        return super().score(features)


class Scene:
    """An answer's scorer, between a slow model and a fast one that gives a hundred times as much."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.slow = SlowModel()

    def scorer(self, deadline_s: float) -> Any:
        """With this deadline."""
        return self._module.DeadlineScorer(self.slow, AlcoholModel(100.0), deadline_s)


@pytest.fixture
def scene(answer: Answer) -> Scene:
    return Scene(answer.load())


def batch(*alcohol: float) -> Features:
    features = np.zeros((len(alcohol), len(WINE)))
    features[:, WINE.index("alcohol")] = alcohol
    return features


def told(scores: Any) -> Any:
    """Values, and whether they are the fallback's."""
    return (scores.values.tolist(), scores.is_fallback) if hasattr(scores, "values") else scores


async def in_time(awaited: Coroutine[Any, Any, T]) -> T:
    """What it gives; or that it waits for too long."""
    task = asyncio.create_task(awaited)
    done, _ = await asyncio.wait([task], timeout=PATIENCE_S)
    if not done:
        task.cancel()
        reject(
            "It waits longer than the deadline.",
            expected=f"the fallback's scores after {AT_ONCE_S} s: the slow model does not answer",
            happened=f"no scores after {PATIENCE_S:g} s",
            means="one model that hangs stops its partition for good",
        )
    return task.result()


def test_scores_that_come_in_time_are_the_slow_models(scene: Scene) -> None:
    scene.slow.may_answer.set()
    happened = told(asyncio.run(in_time(scene.scorer(LONG_S).score(batch(9.4, 10.0)))))
    expect(
        happened == ([9.4, 10.0], False),
        "The slow model's scores come in time, and are not returned.",
        expected=([9.4, 10.0], False),
        happened=happened,
        means="the better model costs its time, and its scores are thrown away",
    )


def test_the_event_loop_goes_on_while_the_model_works(scene: Scene) -> None:
    scene.slow.wait_s = STANDSTILL_S

    async def scores() -> Any:
        asyncio.get_running_loop().call_later(0.01, scene.slow.may_answer.set)
        return told(await in_time(scene.scorer(LONG_S).score(batch(9.4))))

    happened = asyncio.run(scores())
    expect(
        not scene.slow.waited_in_vain and happened == ([9.4], False),
        "The event loop stands still while the slow model works.",
        expected="a timer on the loop goes off while the model works",
        happened="the timer went off when the model was done, or the model was not asked",
        means="no heartbeats and no queries: the group takes this instance for dead, and rebalances",
    )


def test_a_late_batch_gets_the_fallbacks_scores(scene: Scene) -> None:
    async def scores() -> Any:
        try:
            return told(await in_time(scene.scorer(AT_ONCE_S).score(batch(9.4))))
        finally:
            scene.slow.may_answer.set()

    happened = asyncio.run(scores())
    expect(
        happened == ([940.0], True),
        "A batch whose slow model is late does not get the fallback's scores.",
        expected=([940.0], True),
        happened=happened,
        means="records without a score, or scores that nobody can tell from the better ones",
    )


def test_an_error_of_the_slow_model_is_answered_by_the_fallback(scene: Scene) -> None:
    scene.slow.may_answer.set()
    scene.slow.is_broken = True
    try:
        happened = told(asyncio.run(in_time(scene.scorer(LONG_S).score(batch(9.4)))))
    except ModelBroken as error:
        happened = f"the error {error!r}"
    expect(
        happened == ([940.0], True),
        "A batch whose slow model fails does not get the fallback's scores.",
        expected=([940.0], True),
        happened=happened,
        means="the agent crashes at this batch, and again at each restart",
    )


def test_one_thread_at_most_is_late(scene: Scene) -> None:
    async def scores() -> Any:
        scorer = scene.scorer(AT_ONCE_S)
        try:
            return [told(await in_time(scorer.score(batch(alcohol)))) for alcohol in (9.0, 10.0, 11.0)]
        finally:
            scene.slow.may_answer.set()

    happened = asyncio.run(scores())
    expect(
        scene.slow.most_at_work == 1,
        "A second thread is started while the first one is still at work.",
        expected="1 thread with the slow model, which hangs, after 3 batches",
        happened=f"{scene.slow.most_at_work} threads",
        means="a thread for each batch, until the memory is full, and the model is slower with each of them",
    )
    expect(
        happened == [([900.0], True), ([1000.0], True), ([1100.0], True)],
        "While the slow model is busy, the batches do not get the fallback's scores.",
        expected=[([900.0], True), ([1000.0], True), ([1100.0], True)],
        happened=happened,
        means="one slow batch, and those behind it have no score, or another batch's",
    )


def test_a_late_answer_is_nobodys_and_the_slow_model_comes_back(scene: Scene) -> None:
    seen: list[Any] = []

    async def scores() -> None:
        scorer = scene.scorer(AT_ONCE_S)
        await in_time(scorer.score(batch(9.0)))
        scene.slow.may_answer.set()
        async with asyncio.timeout(PATIENCE_S):
            while not seen or seen[-1] == ([1000.0], True):
                seen.append(told(await scorer.score(batch(10.0))))
                await asyncio.sleep(0.001)

    try:
        asyncio.run(scores())
    except TimeoutError:
        reject(
            "After one late answer the slow model is never used again.",
            expected="when its thread is done, the next batch is the slow model's",
            happened=f"{len(seen)} batches, all scored by the fallback",
            means="one slow moment, and the better model is gone until the next restart",
        )
    expect(
        seen[-1] == ([10.0], False),
        "A batch gets the late scores of another batch.",
        expected=([10.0], False),
        happened=seen[-1],
        means="each record behind a late one gets another wine's score, and nobody notices",
    )


def test_results_come_in_the_order_of_the_batches(scene: Scene) -> None:
    async def batches() -> AsyncIterator[Features]:
        for alcohol in (9.0, 10.0, 11.0):
            yield batch(alcohol)

    async def values() -> list[Any]:
        return [scores.values.tolist() async for scores in scene.scorer(LONG_S).agent(batches())]

    scene.slow.may_answer.set()
    happened = asyncio.run(in_time(values()))
    expect(
        happened == [[9.0], [10.0], [11.0]],
        "The results are not in the order of the batches.",
        expected=[[9.0], [10.0], [11.0]],
        happened=happened,
        means="scores go out under other records' keys",
    )


def test_a_cancellation_ends_it(scene: Scene) -> None:
    async def is_cancelled() -> bool:
        scoring = asyncio.create_task(scene.scorer(LONG_S).score(batch(9.4)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not scene.slow.started:  # noqa: ASYNC110 - a thread's event
                    await asyncio.sleep(0.001)
                scoring.cancel()
                await asyncio.wait([scoring])
        finally:
            scene.slow.may_answer.set()
        return scoring.cancelled()

    happened = asyncio.run(is_cancelled())
    expect(
        happened,
        "A cancellation does not end it.",
        expected="CancelledError, when faust stops the agent",
        happened="it goes on and scores the batch by the fallback",
        means="the server cannot be stopped, and scores a batch that is another instance's by then",
    )
