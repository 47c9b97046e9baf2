"""Answer by a deadline inside a faust agent: a slow model works on a thread, and a fast one answers if it is late.

The agent is an async generator, so faust sends what it yields to its sinks, and acknowledges a message afterwards::

    app.agent(wines, sink=[scores])(DeadlineScorer(slow, fallback, deadline_s=0.1).agent)
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import structlog

from model.features import Features, Values
from model.model import Model
from serving.threads import in_daemon_thread, start_in_daemon_thread

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TimelyScores:
    """The scores of a batch, and whether the fast model had to give them."""

    values: Values  # shape (n,)
    is_fallback: bool


class DeadlineScorer:
    """Two models, of which the slow one is preferred.

    A thread cannot be ended. So a model that is late works on, and nobody waits for its answer; until it is done, all
    batches are the fast model's, so that there is one such thread at most.
    """

    def __init__(self, slow: Model, fallback: Model, deadline_s: float) -> None:
        """``deadline_s``: how long the slow model may take for a batch."""
        self._slow = slow
        self._fallback = fallback
        self._deadline_s = deadline_s
        self._at_work: Future[Values] | None = None  # what the slow model was asked last

    async def agent(self, stream: AsyncIterable[Features]) -> AsyncIterator[TimelyScores]:
        """The scores of each batch, in the order of the batches: the next one is taken when this one is answered."""
        async for features in stream:
            yield await self.score(features)

    async def score(self, features: Features) -> TimelyScores:
        """The slow model's scores if they come by the deadline, else the fallback's.

        Raises:
            Exception: what the fallback raises.
        """
        # exercise[im-2]: ask the slow model on a thread, unless it is busy; return its scores if they come in time
        if self._at_work is None or self._at_work.done():
            self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
            try:
                async with asyncio.timeout(self._deadline_s):
                    return TimelyScores(await asyncio.wrap_future(self._at_work), is_fallback=False)
            except Exception as error:  # noqa: BLE001 - it is late, or failed: the wines get a score all the same
                log.warning("fallback_used", reason=repr(error))
        # end[im-2]
        return TimelyScores(await in_daemon_thread(self._fallback.score, features), is_fallback=True)
