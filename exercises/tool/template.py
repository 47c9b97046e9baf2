"""A new exercise's folder, and the steps from there to a proven exercise."""

import re
from collections.abc import Iterator
from pathlib import Path

from exercises.catalogue import TASKS
from exercises.errors import ExerciseError
from exercises.regions import ID

TASK = """\
# {name}: A title in a few words
- file: streams_kvstore/state.py
- minutes: 10
- teaches: one line: what somebody knows afterwards
- idea: which idea it comes from

## Task
What is there, what is missing, and why it matters. Which names the region must leave behind.
- One line for each demand that the grader makes.

## Hint 1
A question that leads to the point.

## Hint 2
An approach: which steps, which names, no code.

## Hint 3
Almost the answer, in 80 to 160 words of plain English, one way only.

## What production does
A few lines: how this is done at work, and what it costs.
"""

GRADER = '''\
"""Grades {name}."""

from exercises.answers import Answer
from exercises.grading import expect


def test_the_most_basic_demand_comes_first(answer: Answer) -> None:
    module = answer.load()
    happened = module.__name__
    expect(
        happened == "what a right answer does",
        "What is wrong with this answer, in at most 100 characters.",
        expected="what a right answer does",
        happened=happened,
        means="what that costs on a stream",
    )
'''

WRONG = "# says: What is wrong with this answer, in at most 100 characters.\npass\n"

STEPS = """\
{folder}/ is made. From here to an exercise:
1. the solution: put the markers "# exercise[{name}]: what to do" and "# end[{name}]" around the lines to be solved
2. task.md: name that file in "- file:", and write the texts
3. {grader}: demands, each with its sentence; the most basic one first
4. wrong/: five answers or more, each with the sentence that it must get; right/: two or more that must pass
5. tasks/order.txt: a line {name}, where the exercise belongs on the path; then make generate
6. python -m exercises verify {name}: proves it"""


class NoNewExercise(ExerciseError):
    """An exercise cannot have this name."""


def make_folder(name: str, tasks: Path = TASKS) -> Iterator[str]:
    """Make a new exercise's folder; what is to be done next, in lines.

    Raises:
        NoNewExercise: this is no name, or it is taken.
    """
    if re.fullmatch(ID, name) is None:
        raise NoNewExercise(f"{name!r} is no name for an exercise; such as kv-4: letters, a hyphen, a number")
    folder = tasks / name.replace("-", "_")
    grader = f"test_{folder.name}.py"
    try:
        folder.mkdir()
        (folder / "wrong").mkdir()
        (folder / "right").mkdir()
        (folder / "task.md").write_text(TASK.format(name=name), encoding="utf-8")
        (folder / grader).write_text(GRADER.format(name=name), encoding="utf-8")
        (folder / "wrong" / "passes.py").write_text(WRONG, encoding="utf-8")
    except FileExistsError:
        raise NoNewExercise(f"there is an exercise {name} already, or its folder: {folder}") from None
    except OSError as error:
        raise NoNewExercise(f"{folder}: {error.strerror}") from None
    yield from STEPS.format(name=name, folder=f"exercises/tasks/{folder.name}", grader=grader).splitlines()
