"""What a learner has solved: a small text file in ``my_exercises/``, one line per exercise.

It is written atomically. Lines that say nothing here - of an exercise that is gone, or of a later version - are kept.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from exercises.catalogue import Exercise
from exercises.errors import WorkspaceUnusable
from exercises.regions import ID
from exercises.workspace import HOME, alone, write_atomically

FILE = HOME / "progress.txt"
HEAD = "# Your progress: exercise, state, since when. python -m exercises check writes it anew.\n"
_LINE = re.compile(rf"({ID}) (passed|pending) (\S+)")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")

State = Literal["passed", "pending"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one exercise is; without one it has not been looked at."""

    state: State
    since: str  # UTC, ISO 8601


class Progress:
    """The file, read anew for each question: another window may have written it."""

    def __init__(
        self,
        exercises: Sequence[Exercise],
        file: Path = FILE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is read yet."""
        self.file = file
        self._now = now
        self._names = {each.name: each.name for each in exercises}
        self._names |= {old: each.name for each in exercises for old in each.formerly if old not in self._names}
        self.notes: list[str] = []
        """What the learner must be told: that a damaged file was set aside."""

    def marks(self) -> Mapping[str, Mark]:
        """Those of the exercises that there are, by their names as they are now.

        Raises:
            WorkspaceUnusable: the file is there and cannot be read.
        """
        found: dict[str, Mark] = {}
        for name, mark in filter(None, map(self._parsed, self._lines())):
            if name not in found or found[name].since <= mark.since:
                found[name] = mark
        return found

    def record(self, states: Mapping[str, State]) -> None:
        """Write down what these exercises are now; what they were already keeps its time.

        One that is pending and was never looked at gets no mark.

        Raises:
            WorkspaceUnusable: the file cannot be written.
        """
        with alone(self.file.parent):
            before = self.marks()
            known = {name: before[name].state if name in before else "pending" for name in states}
            changed = {name: state for name, state in states.items() if state != known[name]}
            if changed:
                self._write(before, {name: Mark(state, self._time()) for name, state in changed.items()})

    def open(self, name: str) -> None:
        """Write down that a learner works on this exercise now, unless it is passed."""
        with alone(self.file.parent):
            before = self.marks()
            if name not in before or before[name].state == "pending":
                self._write(before, {name: Mark("pending", self._time())})

    def forget(self, names: Collection[str]) -> None:
        """Write down that these exercises have not been looked at."""
        with alone(self.file.parent):
            self._write({name: mark for name, mark in self.marks().items() if name not in names}, {})

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _write(self, before: Mapping[str, Mark], changed: Mapping[str, Mark]) -> None:
        kept = [line for line in self._lines() if self._parsed(line) is None and f"{line}\n" != HEAD]
        marks = sorted({**before, **changed}.items(), key=lambda item: list(self._names).index(item[0]))
        lines = [*(f"{name} {mark.state} {mark.since}" for name, mark in marks), *kept]
        write_atomically(self.file, HEAD + "".join(f"{line}\n" for line in lines))

    def _parsed(self, line: str) -> tuple[str, Mark] | None:
        found = _LINE.fullmatch(line.strip())
        if found is None or found[1] not in self._names:
            return None
        return self._names[found[1]], Mark("passed" if found[2] == "passed" else "pending", found[3])

    def _lines(self) -> Sequence[str]:
        try:
            text = self.file.read_bytes().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise WorkspaceUnusable(self.file, error.strerror or str(error)) from None
        if _NO_TEXT.search(text) is None:
            return [line for line in text.split("\n") if line]
        aside = self.file.with_name(f"{self.file.name}.damaged-{self._now().strftime('%Y-%m-%dT%H-%M-%S.%f')}")
        self.file.replace(aside)
        self.notes.append(f"{self.file.name} was damaged and is now {aside.name}: check all (c) writes it anew")
        return []
