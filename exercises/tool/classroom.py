"""A class: what ``check --json`` writes for each learner, and who is where."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exercises.errors import ExerciseError
from exercises.grading import Verdict
from exercises.tool.words import message_lines


class NoReport(ExerciseError):
    """A file is none that ``check --json`` has written."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}; python -m exercises check --json FILE writes one")


@dataclass(frozen=True, slots=True)
class Report:
    """How far one learner is."""

    who: str
    when: str
    statuses: Mapping[str, str]  # by exercise
    sentences: Mapping[str, str]  # what is wrong, by exercise

    @property
    def passed(self) -> int:
        """How many."""
        return sum(status == "passed" for status in self.statuses.values())

    @property
    def at(self) -> str:
        """The first exercise that is tried and not passed, or the first that is not passed; "" where all are."""
        tried = [name for name, status in self.statuses.items() if status not in ("passed", "unsolved")]
        left = [name for name, status in self.statuses.items() if status != "passed"]
        return next(iter([*tried, *left]), "")


def report_text(verdicts: Sequence[Verdict]) -> str:
    """What ``check --json`` writes: no names of people or machines."""
    exercises = [
        {
            "name": verdict.exercise,
            "status": verdict.status,
            "sentence": next(iter(message_lines(verdict)), ""),
            "duration_s": round(verdict.duration_s, 2),
        }
        for verdict in verdicts
    ]
    return (
        json.dumps({"when": datetime.now(UTC).isoformat(timespec="seconds"), "exercises": exercises}, indent=1) + "\n"
    )


def read_report(file: Path) -> Report:
    """One learner's, who is called as the file is.

    Raises:
        NoReport: it cannot be read, or is something else.
    """
    try:
        told: Any = json.loads(file.read_text(encoding="utf-8"))
        exercises = [(str(each["name"]), str(each["status"]), str(each["sentence"])) for each in told["exercises"]]
        when = str(told["when"])
    except OSError as error:
        raise NoReport(file, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError):
        raise NoReport(file, "this is no report") from None
    statuses = {name: status for name, status, _ in exercises}
    return Report(file.stem, when, statuses, {name: sentence for name, _, sentence in exercises})


def class_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Who is where, the furthest first; then the exercises that hold most people up."""
    width = max((len(report.who) for report in reports), default=0)
    for report in sorted(reports, key=lambda each: (-each.passed, each.who)):
        status = report.statuses.get(report.at, "")
        place = f"at {report.at}: {report.sentences[report.at] if status == 'failed' else status}"
        count = f"{report.passed:2} of {len(report.statuses)}"
        yield f"{report.who:{width}}  {count}  {place if report.at else 'all passed'}"
    held = Counter(report.at for report in reports if report.at)
    if held:
        most = ", ".join(f"{name} ({number})" for name, number in held.most_common(5))
        yield f"where they are: {most}"
