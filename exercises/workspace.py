"""The learner's copy of the exercises: ``my_exercises/``, one file per solution file, ignored by git.

``my_exercises/.base/`` keeps each mirror as it was when the learner's file was made of it. When a ``git pull`` changes
a mirror, the new one is taken with the learner's answers in it, as long as the learner has changed nothing but answers;
else the file stays as it is. What is overwritten is kept in ``my_exercises/.backup/``.
"""

import difflib
import hashlib
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exercises.catalogue import ROOT, Exercise
from exercises.errors import ExerciseError, WorkspaceUnusable
from exercises.regions import ID
from model.maven_jars import exclusive

HOME = ROOT / "my_exercises"
_BEGIN = re.compile(rf"\s*# exercise\[({ID})\]:")
_END = re.compile(rf"\s*# end\[({ID})\]\s*$")

Fingerprint = tuple[int, str]


class MarkersBroken(ExerciseError):
    """A file's markers are in no pairs: where its answers are cannot be told."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A file cut at its markers; it need not be Python."""

    around: tuple[str, ...]  # what is before, between and behind the answers, markers included
    inside: Mapping[str, str]  # what is between the markers of each exercise: its task, and an answer

    def joined(self, inside: Mapping[str, str]) -> str:
        """The file with these answers; those that are not named stay."""
        answers = [inside.get(name, text) for name, text in self.inside.items()]
        return self.around[0] + "".join(map("".join, zip(answers, self.around[1:], strict=True)))


@dataclass(frozen=True, slots=True)
class Written:
    """An answer without its task."""

    text: str
    indent: str  # of its region

    def at(self, indent: str) -> str:
        """The answer in a region with this indent."""
        if indent == self.indent:
            return self.text
        lines = self.text.splitlines(keepends=True)
        return "".join(indent + line.removeprefix(self.indent) if line.strip() else line for line in lines)


def cut(text: str) -> Pieces:
    """A file's pieces.

    Raises:
        MarkersBroken: an exercise has no end, begins twice or within another one.
    """
    around = [""]
    inside = dict[str, str]()
    name: str | None = None
    for line in text.splitlines(keepends=True):
        begin, end = _BEGIN.match(line), _END.match(line)
        if name is None:
            if end is not None or (begin is not None and begin[1] in inside):
                raise MarkersBroken(line.strip())
            around[-1] += line
            if begin is not None:
                name = begin[1]
                inside[name] = ""
        elif end is not None and end[1] == name:
            around.append(line)
            name = None
        elif begin is not None or end is not None:
            raise MarkersBroken(line.strip())
        else:
            inside[name] += line
    if name is not None:
        raise MarkersBroken(f"# end[{name}] is missing")
    return Pieces(tuple(around), inside)


def write_atomically(path: Path, text: str | bytes) -> None:
    """Have the file hold this text, or what it held before, whenever this process or the machine ends.

    Raises:
        WorkspaceUnusable: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8") if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise WorkspaceUnusable(path, error.strerror or str(error)) from None


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Only one process at a time writes there.

    Raises:
        WorkspaceUnusable: this one may not.
    """
    try:
        with exclusive(home):
            yield
    except OSError as error:
        raise WorkspaceUnusable(home, error.strerror or str(error)) from None


class Workspace:
    """The learner's files."""

    def __init__(
        self,
        exercises: Sequence[Exercise],
        home: Path = HOME,
        mirrors: Path = ROOT / "exercises",
        solutions: Path = ROOT,
    ) -> None:
        """Nothing is read or written yet."""
        self.exercises = exercises
        self.home = home
        self._mirrors = mirrors
        self._solutions = solutions
        self._formerly = {old: each.name for each in exercises for old in each.formerly}

    def file(self, exercise: Exercise) -> Path:
        """Where the learner writes the answer."""
        return self.home / exercise.file

    def update(self) -> Sequence[str]:
        """Make what is missing, take what is new.

        Returns:
            a line for each file in which something is left to the learner.
        Raises:
            WorkspaceUnusable: a file cannot be written.
        """
        with alone(self.home):
            answers = self._all_answers()
            notes = [self._updated(file, answers) for file in sorted({each.file for each in self.exercises})]
        return [note for note in notes if note is not None]

    def reset(self, exercise: Exercise) -> None:
        """Put the answer back to how the learner found it."""
        self._put(exercise, None)

    def solve(self, exercise: Exercise) -> None:
        """Put the solution's answer in."""
        self._put(exercise, self.solution(exercise))

    def answer(self, exercise: Exercise) -> str:
        """The learner's answer as it is in the file; "" where it cannot be found."""
        try:
            inside = cut(_read(self.file(exercise)) or "").inside.get(exercise.name, "")
        except MarkersBroken:
            return ""
        return inside.removeprefix(_task(self._mirror(exercise.file).inside[exercise.name]))

    def solution(self, exercise: Exercise) -> str:
        """Our answer."""
        text = (self._solutions / exercise.file).read_text(encoding="utf-8")
        return cut(text).inside[exercise.name].removeprefix(_task(self._mirror(exercise.file).inside[exercise.name]))

    def difference(self, exercise: Exercise) -> Sequence[str]:
        """What is different in the solution: lines that begin with ``-`` are the learner's, with ``+`` the solution's.

        Empty where nothing is.
        """
        mine, ours = (textwrap.dedent(text).splitlines() for text in (self.answer(exercise), self.solution(exercise)))
        lines = list(difflib.ndiff(mine, ours))
        return [] if mine == ours else [line for line in lines if not line.startswith("?")]

    def line(self, exercise: Exercise) -> int:
        """The first line of the answer in the learner's file; 1 where it cannot be found."""
        at = None
        for number, line in enumerate((_read(self.file(exercise)) or "").splitlines(), 1):
            begin = _BEGIN.match(line)
            if begin is not None and begin[1] == exercise.name:
                at = number
            elif at is not None and not line.lstrip().startswith("#"):
                return number
        return at or 1

    def fingerprint(self, exercise: Exercise) -> Fingerprint:
        """Another one after each save, even if the file system sends no event."""
        path = self.file(exercise)
        try:
            return path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            return 0, ""

    def _mirror(self, file: Path) -> Pieces:
        return cut((self._mirrors / file).read_text(encoding="utf-8"))

    def _base(self, file: Path) -> Path:
        return self.home / ".base" / file

    def _updated(self, file: Path, answers: Mapping[str, Written]) -> str | None:
        path, base = self.home / file, self._base(file)
        mirror = (self._mirrors / file).read_text(encoding="utf-8")
        new, mine, before = cut(mirror), _read(path), _read(base)
        if mine is None and not path.exists():
            write_atomically(path, _with_answers(new, answers))
        elif mirror == before:
            return None
        else:
            around, old = _around(mine or ""), _around(before or mirror)
            if around is None or around not in (old, new.around):
                changed = f"{path}: has changed in the project, and you have changed more than answers: left as it is"
                return f"{changed}; a reset of one of its exercises takes the new file, with your other answers"
            # What is around is new already where an update was ended before it could say so. Without a base the answers
            # are not known: the file was copied without the hidden folders, and stays.
            text = _with_answers(new, answers) if around == old and before is not None else mine
            if text is not None and text != mine:
                if mine != before:
                    self._back_up(path)
                write_atomically(path, text)
        write_atomically(base, mirror)
        return None

    def _all_answers(self) -> Mapping[str, Written]:
        """Every answer that somebody wrote, by the exercise's name as it is now."""
        bases = self.home / ".base"
        answers: dict[str, Written] = {}
        for base in sorted(bases.rglob("*.py")):
            answers |= self._answers(base.relative_to(bases))
        return answers

    def _answers(self, file: Path) -> Mapping[str, Written]:
        try:
            mine, before = cut(_read(self.home / file) or ""), cut(_read(self._base(file)) or "")
            now = self._mirror(file).inside if (self._mirrors / file).exists() else before.inside
        except MarkersBroken:
            return {}
        answers = {}
        for name, text in mine.inside.items():
            blank = before.inside.get(name, "")
            tasks = {_task(blank), _task(now.get(name, blank))}  # the new one where an update was ended half way
            if blank and text not in (blank, now.get(name)):
                answer = next((text.removeprefix(task) for task in tasks if task and text.startswith(task)), text)
                answers[self._formerly.get(name, name)] = Written(answer, _indent(blank))
        return answers

    def _put(self, exercise: Exercise, answer: str | None) -> None:
        """Replace one answer; a file that an update had to leave, or without its markers, becomes the new one."""
        path, base = self.file(exercise), self._base(exercise.file)
        mirror = (self._mirrors / exercise.file).read_text(encoding="utf-8")
        new = cut(mirror)
        blank = new.inside[exercise.name]
        with alone(self.home):
            mine = _read(path)
            wanted = {exercise.name: blank if answer is None else _task(blank) + answer}
            try:
                pieces = cut(mine or "")
            except MarkersBroken:
                pieces = Pieces(("",), {})
            if exercise.name in pieces.inside and _read(base) == mirror:
                text = pieces.joined(wanted)
            else:
                text = cut(_with_answers(new, self._answers(exercise.file))).joined(wanted)
            if mine is not None and mine != text:
                self._back_up(path)
            write_atomically(path, text)
            write_atomically(base, mirror)

    def _back_up(self, path: Path) -> None:
        now = datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        write_atomically(self.home / ".backup" / f"{path.relative_to(self.home)}.{now}", path.read_bytes())


def _read(path: Path) -> str | None:
    """None where there is no file; bytes that are no text become U+FFFD."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return None


def _around(text: str) -> tuple[str, ...] | None:
    """None where that cannot be told."""
    try:
        return cut(text).around
    except MarkersBroken:
        return None


def _task(inside: str) -> str:
    """What a mirror has between two markers, without its last line: the statement that marks it unsolved."""
    return "".join(inside.splitlines(keepends=True)[:-1])


def _with_answers(mirror: Pieces, answers: Mapping[str, Written]) -> str:
    inside = mirror.inside.items()
    return mirror.joined(
        {name: _task(blank) + answers[name].at(_indent(blank)) for name, blank in inside if name in answers}
    )


def _indent(blank: str) -> str:
    """Of a mirror's region."""
    last = blank.splitlines()[-1]
    return last[: len(last) - len(last.lstrip())]
