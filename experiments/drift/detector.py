"""ADWIN on an error: the one module that knows river."""

import math
from dataclasses import dataclass

from experiments.errors import RiverMissing

DELTA = 0.002
"""ADWIN's own default: about how often it may see a change where there is none."""
WORST_ERROR = 2.0
"""From here on, in points of quality, an error counts as 1: ADWIN expects numbers from 0 to 1, and sees a change the
sooner the more of this range it takes. Usual errors are near 0.5 points."""


@dataclass(frozen=True, slots=True)
class Rise:
    """The error has risen."""

    before: float  # mean of the whole window until now, 0 to 1
    after: float  # mean of what ADWIN has left of it
    records: int  # that are left

    def __str__(self) -> str:
        before, after = self.before * WORST_ERROR, self.after * WORST_ERROR
        return f"ADWIN: its window's mean error {before:.2f} -> {after:.2f}, {self.records} labels left in it"


def scaled(error: float) -> float:
    """An absolute error as a number from 0 to 1; one that is no number counts as the worst."""
    return min(error / WORST_ERROR, 1.0) if math.isfinite(error) else 1.0


class ErrorDetector:
    """Says when an error has risen; that it has fallen is no alarm.

    Source: Bifet and Gavalda 2007, "Learning from time-changing data with adaptive windowing"; river's ``drift.ADWIN``.
    """

    def __init__(self, delta: float = DELTA) -> None:
        """Begin with an empty window.

        Raises:
            RiverMissing: the extra ``drift`` is not installed.
        """
        try:
            from river.drift import ADWIN  # takes seconds: it imports scipy, and scikit-learn where that is installed
        except ImportError:
            raise RiverMissing from None
        self._adwin = ADWIN(delta=delta)

    def update(self, error: float) -> Rise | None:
        """Add one error, 0 to 1."""
        before = float(self._adwin.estimation)
        self._adwin.update(error)
        after = float(self._adwin.estimation)
        return Rise(before, after, int(self._adwin.width)) if self._adwin.drift_detected and after > before else None
