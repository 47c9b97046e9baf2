"""The list of exercises: search, filter, jump."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from exercises.catalogue import Exercise
from exercises.tool.progress import Mark
from exercises.tool.session import is_passed

Filter = Literal["all", "pending", "passed"]
FILTERS: Sequence[Filter] = ("all", "pending", "passed")


class Listing:
    """Which exercises are shown, and which of them is chosen."""

    def __init__(self, exercises: Sequence[Exercise], marks: Mapping[str, Mark], chosen: Exercise) -> None:
        """All are shown."""
        self._exercises = exercises
        self._marks = marks
        self.filter: Filter = "all"
        self.searched = ""
        self.is_searching = False
        """Whether keys are letters of what is searched for."""
        self.chosen: Exercise | None = chosen

    def shown(self) -> Sequence[Exercise]:
        """Those that fit the filter and have all words that are searched for."""
        words = self.searched.lower().split()
        return [each for each in self._exercises if self._fits(each) and all(word in _text(each) for word in words)]

    def lines(self) -> Iterator[str | Exercise]:
        """The shown ones below the names of their parts."""
        part = None
        for exercise in self.shown():
            if exercise.part != part:
                part = exercise.part
                yield part
            yield exercise

    @property
    def focus(self) -> int | None:
        """The line of the chosen one."""
        return next((number for number, each in enumerate(self.lines()) if each is self.chosen), None)

    def move(self, by: int) -> None:
        """Choose the one that is so many below."""
        shown = self.shown()
        if shown:
            at = shown.index(self.chosen) if self.chosen in shown else 0
            self.chosen = shown[max(0, min(at + by, len(shown) - 1))]

    def press(self, key: str) -> None:
        """A key that searches, filters or moves; others do nothing."""
        steps = {"up": -1, "down": 1, "page up": -10, "page down": 10, "home": -9999, "end": 9999}
        if key in steps:
            self.move(steps[key])
        elif self.is_searching:
            self._search(key)
        elif key in ("k", "j"):
            self.move(-1 if key == "k" else 1)
        elif key == "/":
            self.is_searching = True
        elif key == "f":
            self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]
        self._choose()

    def _search(self, key: str) -> None:
        if key == "escape":
            self.searched = ""
            self.is_searching = False
        elif key == "backspace":
            self.searched = self.searched[:-1]
        elif len(key) == 1:
            self.searched += key

    def _choose(self) -> None:
        shown = self.shown()
        if self.chosen not in shown:
            self.chosen = shown[0] if shown else None

    def _fits(self, exercise: Exercise) -> bool:
        return self.filter == "all" or is_passed(self._marks, exercise) == (self.filter == "passed")


def _text(exercise: Exercise) -> str:
    return f"{exercise.name} {exercise.title} {exercise.part} {exercise.teaches} {exercise.file}".lower()
