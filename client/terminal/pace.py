"""When things are due, and how fast they go."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Something that is due at the start and then once per interval.

    All counts from the start, so that what is late once does not delay what follows: the pace does not drift.
    """

    started_s: float
    interval_s: float  # > 0

    def due(self, now_s: float) -> int:
        """How many times it is to have happened by now."""
        return int((now_s - self.started_s) / self.interval_s) + 1

    def next_s(self, happened: int) -> float:
        """When it is due again after it has happened ``happened`` times."""
        return self.started_s + happened * self.interval_s


class Rate:
    """How fast a count grows at present."""

    def __init__(self, window_s: float = 5.0) -> None:
        """Look back over ``window_s``."""
        self._window_s = window_s
        self._seen: deque[tuple[float, int]] = deque()

    def per_s(self, now_s: float, count: int) -> float:
        """Record the count; returns its growth per second within the window."""
        self._seen.append((now_s, count))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= self._window_s:
            self._seen.popleft()
        first_s, first_count = self._seen[0]
        return (count - first_count) / (now_s - first_s) if now_s > first_s else 0.0
