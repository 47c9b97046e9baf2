"""The deadline inside a real faust agent, without a broker: faust plays its topic."""

import asyncio
import threading
from typing import Any

import faust
import numpy as np

from model.features import WINE, Features, Values
from streams_inmemory.extensions.deadline import DeadlineScorer, TimelyScores

SLOW = 10.0


class Alcohol:
    """Scores by the alcohol, times ``times``; at a wine of ``SLOW`` it waits until it may answer."""

    def __init__(self, times: float) -> None:
        self.times = times
        self.may_answer = threading.Event()

    def score(self, features: Features) -> Values:
        alcohol = features[:, WINE.index("alcohol")]
        if SLOW in alcohol and self.times == 1.0:
            self.may_answer.wait()
        return alcohol * self.times

    def close(self) -> None:
        pass


def wine(alcohol: float) -> Features:
    features = np.zeros((1, len(WINE)))
    features[0, WINE.index("alcohol")] = alcohol
    return features


def test_an_agent_gives_its_sinks_a_score_for_each_batch_in_order() -> None:
    async def scores() -> list[TimelyScores]:
        got: list[TimelyScores] = []
        slow, fast = Alcohol(1.0), Alcohol(100.0)
        app: Any = faust.App("deadline", autodiscover=False)
        scored = asyncio.Event()

        def sink(each: TimelyScores) -> None:
            got.append(each)
            if len(got) == 4:
                scored.set()

        agent = app.agent(app.channel(), sink=[sink])(DeadlineScorer(slow, fast, 0.2).agent)
        async with asyncio.timeout(20), agent.test_context() as playing:
            for alcohol in (9.0, SLOW, 11.0, 12.0):
                await playing.put(wine(alcohol))
            await scored.wait()
        slow.may_answer.set()
        app.consumer._thread.thread_loop.close()  # made for a consumer that was never started
        return got

    got = asyncio.run(scores())
    assert [each.values.tolist() for each in got] == [[9.0], [1000.0], [1100.0], [1200.0]]
    assert [each.is_fallback for each in got] == [False, True, True, True]
