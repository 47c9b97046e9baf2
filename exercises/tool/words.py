"""What is said of a verdict and of an exercise, in plain lines; ``pages`` draws the same."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from client.terminal.printable import printable
from exercises.catalogue import ROOT, Exercise
from exercises.grading import Status, Verdict
from exercises.tool.progress import Mark

HEADS: Mapping[Status, str] = MappingProxyType(
    {"passed": "passed", "unsolved": "not solved yet", "failed": "not right yet", "hung": "hangs", "ended": "ended"}
)
MAX_LINES = 12
"""Of a message: a grader says at most 5; an error of our own may say more."""
MAX_PRINTED = 10
_COLOURS = re.compile("\x1b\\[[0-9;]*m")


def shortened(path: Path) -> str:
    """A file's path from the project's folder."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def message_lines(verdict: Verdict) -> Sequence[str]:
    """What the grader says, first what is wrong; the project's folder is not named."""
    lines = verdict.message.replace(f"{ROOT}/", "").splitlines()
    return [printable(line) for line in lines[:MAX_LINES]]


def printed_lines(verdict: Verdict) -> Sequence[str]:
    """The last of what the answer printed."""
    return [printable(line) for line in _COLOURS.sub("", verdict.printed).splitlines()[-MAX_PRINTED:]]


def verdict_lines(verdict: Verdict) -> Sequence[str]:
    """All of it, for somebody without a terminal."""
    head = f"{verdict.exercise}: {HEADS[verdict.status]} ({verdict.duration_s:.1f} s)"
    printed = [f"  your code printed: {line}" for line in printed_lines(verdict)]
    return [head, *(f"  {line}" for line in message_lines(verdict)), *printed]


def sign(mark: Mark | None) -> str:
    """One character: passed, tried, not looked at."""
    return " " if mark is None else "✓" if mark.state == "passed" else "·"


def listed(exercises: Sequence[Exercise], marks: Mapping[str, Mark]) -> Sequence[str]:
    """A line for each exercise, below the headings of the path's parts."""
    lines = []
    part = ""
    for exercise in exercises:
        if exercise.part != part:
            part = exercise.part
            lines.append(part)
        title = f"{exercise.title}{' (with a broker)' if exercise.needs_broker else ''}"
        lines.append(f"  {sign(marks.get(exercise.name))} {exercise.name:5} {exercise.minutes:2} min  {title}")
    return lines


def count(exercises: Sequence[Exercise], marks: Mapping[str, Mark]) -> str:
    """``4 of 34 passed``."""
    passed = sum(name in marks and marks[name].state == "passed" for name in (each.name for each in exercises))
    return f"{passed} of {len(exercises)} passed"
