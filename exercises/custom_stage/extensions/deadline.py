"""Answer by a deadline: a slow model has so long, then a fast one answers in its place, and the answer says so.

For a model that others compute: behind a network, on a GPU, or on a thread of its own (``DaemonThread.run`` in
``serving/threads.py``). What calls ``DeadlineScorer.score`` is a coroutine, so many batches may wait at the same time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from model.features import Features, Values

AsyncModel: TypeAlias = Callable[[Features], Awaitable[Values]]
"""Scores a batch of shape (n, 11); cancelling it must stop the waiting."""


@dataclass(frozen=True, slots=True)
class TimelyScores:
    """The scores of a batch, and which model they are from; the marker goes to the scores topic with them."""

    values: Values  # shape (n,)
    is_fallback: bool


class DeadlineScorer:
    """Two models, of which the slow one is preferred."""

    def __init__(self, slow: AsyncModel, fallback: AsyncModel, deadline_s: float) -> None:
        """``deadline_s``: how long the slow model may take for a batch; the fallback's time comes on top."""
        self._slow = slow
        self._fallback = fallback
        self._deadline_s = deadline_s
        self.in_time = 0
        """Records that the slow model scored by the deadline."""
        self.too_late = 0
        """Records that the fallback had to score."""

    async def score(self, features: Features) -> TimelyScores:
        """The slow model's scores if they come by the deadline, else the fallback's.

        Raises:
            Exception: what the slow model raises by the deadline, unless it is a ``TimeoutError``; what the fallback
                raises.
        """
        # exercise[cs-4]: return the slow model's scores if they come by the deadline; count either way; leave no task
        raise NotImplementedError("exercise cs-4")
        # end[cs-4]
        return TimelyScores(await self._fallback(features), is_fallback=True)
