"""The mean error of each model in windows of time: pure functions over batches.

A window keeps a count and a sum, so that a batch of late labels is added to the windows of its scores at any time and
in any order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments.drift.join import Joined

Key = tuple[str, int]
"""A model's name, and when the window begins, epoch ms."""


@dataclass(frozen=True, slots=True)
class ErrorSum:
    """The labelled records of one model in one window."""

    records: int
    total: float  # of their absolute errors

    def __add__(self, other: "ErrorSum") -> "ErrorSum":
        return ErrorSum(self.records + other.records, self.total + other.total)

    @property
    def mean(self) -> float:
        """The mean absolute error, in points of quality."""
        return self.total / self.records


NOTHING = ErrorSum(0, 0.0)
Windows = Mapping[Key, ErrorSum]


def windowed(joined: Iterable[Joined], window_ms: int) -> Windows:
    """The windows of one batch, by the time of the score."""
    found: dict[Key, ErrorSum] = {}
    for each in joined:
        at_ms = each.score.at_ms
        _add(found, (each.score.model, at_ms - at_ms % window_ms), ErrorSum(1, each.error))
    return found


def added(known: Windows, batch: Windows, keep_ms: int) -> Windows:
    """Both together; windows that begin over ``keep_ms`` before the newest one are left out."""
    both = dict(known)
    for key, more in batch.items():
        _add(both, key, more)
    oldest_ms = max((begin_ms for _, begin_ms in both), default=0) - keep_ms
    return {key: errors for key, errors in both.items() if key[1] >= oldest_ms}


def _add(windows: dict[Key, ErrorSum], key: Key, more: ErrorSum) -> None:
    windows[key] = windows.get(key, NOTHING) + more
