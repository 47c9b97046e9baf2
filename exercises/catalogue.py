"""Which exercises there are, in which order, and what each says: read from ``tasks/``.

``tasks/order.txt`` is the path through the workshop: an exercise per line, below the headings of its parts. Each
exercise has a folder, ``tasks/kv_2`` for ``kv-2``: ``task.md``, its grader ``test_kv_2.py``, and the answers that prove
the grader in ``wrong/`` and ``right/``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from exercises.errors import NoSuchExercise, TaskInvalid
from exercises.regions import ID

ROOT = Path(__file__).parents[1]
TASKS = Path(__file__).with_name("tasks")
HINTS = ("Hint 1", "Hint 2", "Hint 3")
SECTIONS = ("Task", *HINTS, "What production does")
FACTS = ("file", "minutes", "teaches", "idea")
OPTIONAL_FACTS = ("broker", "formerly")


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise's text; the solution is the region of its name in ``file``."""

    name: str  # such as kv-2; it never changes
    part: str  # of the path: the heading that it stands below
    title: str
    file: Path  # relative to the project
    minutes: int
    teaches: str
    idea: str  # which of the talks' ideas it comes from
    task: str
    hints: Sequence[str]  # a question, an approach, almost the answer
    production: str
    needs_broker: bool
    formerly: Sequence[str]  # names under which it may be in somebody's progress

    @property
    def folder(self) -> Path:
        """Where its text, its grader and the answers that prove it are."""
        return folder(self.name)

    @property
    def grader(self) -> Path:
        """The tests that an answer must pass."""
        return self.folder / f"test_{self.folder.name}.py"

    def answers(self, kind: str) -> Sequence[Path]:
        """The answers of a kind, ``right`` or ``wrong``."""
        return sorted((self.folder / kind).glob("*.py"))


def folder(name: str) -> Path:
    """Of the exercise with this name."""
    return TASKS / name.replace("-", "_")


@cache
def read_catalogue() -> Sequence[Exercise]:
    """All exercises, in the path's order.

    Raises:
        TaskInvalid: a text is not as it should be.
    """
    return tuple(read_task(folder(name) / "task.md", name, part) for part, name in _path())


def find_exercise(name: str) -> Exercise:
    """The exercise with this name, as people write it: ``kv-2``, ``kv_2``, ``KV2``.

    Raises:
        NoSuchExercise: there is none.
    """
    known = {exercise.name: exercise for exercise in read_catalogue()}
    written = re.sub(r"^([a-z]+)[-_ ]?0*([0-9]+)$", r"\1-\2", name.strip().lower())
    if written not in known:
        raise NoSuchExercise(name, get_close_matches(written, known, n=3))
    return known[written]


def read_task(file: Path, name: str, part: str) -> Exercise:
    """An exercise's text.

    Raises:
        TaskInvalid: a heading or a fact is missing, or one too many.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise TaskInvalid(file, error.strerror or str(error)) from None
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    sections = {title.strip(): body.strip() for title, _, body in (section.partition("\n") for section in rest)}
    if tuple(sections) != SECTIONS:
        raise TaskInvalid(file, f"its headings must be {', '.join(SECTIONS)}, in this order")
    title = re.match(rf"# {name}: (\S.*)\n", head)
    if title is None:
        raise TaskInvalid(file, f"its first line must be # {name}: and a title")
    facts = dict(re.findall(r"^- ([a-z]+): (\S.*)$", head, flags=re.MULTILINE))
    if not set(FACTS) <= set(facts) <= {*FACTS, *OPTIONAL_FACTS}:
        raise TaskInvalid(file, f"the facts below its title must be {', '.join(FACTS)}")
    return Exercise(
        name,
        part,
        title[1],
        Path(facts["file"]),
        int(facts["minutes"]),
        facts["teaches"],
        facts["idea"],
        sections["Task"],
        tuple(sections[hint] for hint in HINTS),
        sections["What production does"],
        facts.get("broker") == "yes",
        tuple(re.findall(ID, facts.get("formerly", ""))),
    )


def _path() -> Sequence[tuple[str, str]]:
    path = []
    part = ""
    for line in (TASKS / "order.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            part = line[2:]
        elif line.strip():
            path.append((part, line.strip()))
    return path
