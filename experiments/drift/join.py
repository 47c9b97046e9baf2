"""Scores and the labels that come later, joined by record id in bounded memory."""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """What a record got."""

    record_id: str
    data_type: str
    model: str  # its name
    value: float
    at_ms: int  # when it was scored, epoch ms


@dataclass(frozen=True, slots=True)
class Joined:
    """A score whose truth is known."""

    score: Score
    label: float

    @property
    def error(self) -> float:
        """How far the score is from the label: absolute, in points of quality."""
        return abs(self.score.value - self.label)


class Join:
    """Each side waits for the other one, whichever comes first; of each at most ``capacity`` wait.

    Beyond that the one that has waited longest is dropped and counted: a score whose label never comes, or a label
    of a record that was never scored. A score that is redelivered takes the place of the first one while that waits.
    """

    def __init__(self, capacity: int) -> None:
        """Nothing waits yet; ``capacity``: more than the records that are scored while a label is on its way."""
        self._capacity = capacity
        self._scores: dict[str, Score] = {}  # dicts keep the order of insertion: the first is the oldest
        self._labels: dict[str, float] = {}
        self.unlabelled = 0
        """Scores that were dropped without a label."""
        self.unscored = 0
        """Labels that were dropped without a score."""

    @property
    def waiting(self) -> int:
        """Scores and labels that wait now."""
        return len(self._scores) + len(self._labels)

    def add_score(self, score: Score) -> Joined | None:
        """The pair, where the label is there already."""
        label = self._labels.pop(score.record_id, None)
        if label is not None:
            return Joined(score, label)
        self.unlabelled += self._wait(self._scores, score.record_id, score)
        return None

    def add_label(self, record_id: str, label: float) -> Joined | None:
        """The pair, where the score is there already, as usual."""
        score = self._scores.pop(record_id, None)
        if score is not None:
            return Joined(score, label)
        self.unscored += self._wait(self._labels, record_id, label)
        return None

    def _wait(self, side: dict[str, T], record_id: str, value: T) -> int:
        """How many had to make room: 0 or 1."""
        side[record_id] = value
        if len(side) <= self._capacity:
            return 0
        del side[next(iter(side))]
        return 1
