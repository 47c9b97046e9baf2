"""Graders graded: the skeleton is unsolved, solution and right answers pass, each wrong one gets its sentence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exercises.catalogue import ROOT, Exercise
from exercises.grading import Graders, Status, Verdict
from exercises.skeletons import filled, skeleton

_SAYS = re.compile(r"# says: (\S.*)\n")


@dataclass(frozen=True, slots=True)
class Proof:
    """One answer, and the verdict that it must get."""

    exercise: Exercise
    name: str  # such as wrong/off_by_one
    text: str  # of the whole file
    status: tuple[Status, ...]
    sentence: str  # what a rejection must say

    def given(self, graders: Graders, directory: Path) -> Verdict:
        """The verdict that it gets; its file is written below ``directory``."""
        file = directory / self.exercise.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text, encoding="utf-8")
        return graders.grade(self.exercise, directory)

    def fault(self, verdict: Verdict, sentences: Sequence[str]) -> str:
        """What is wrong with the verdict; "" where nothing is.

        Args:
            sentences: those of all wrong answers to this exercise; no other than its own may be said.
        """
        said = [sentence for sentence in sentences if sentence in verdict.message and sentence not in self.sentence]
        if verdict.status in self.status and self.sentence in verdict.message and not (said and self.sentence):
            return ""
        wanted = f"{' or '.join(self.status)}: {self.sentence}"
        return f"{self.exercise.name} {self.name} must get {wanted!r}, and gets {verdict.status}: {verdict.message!r}"


def proofs_of(exercise: Exercise) -> Iterator[Proof]:
    """The skeleton, the solution, and the answers that are kept."""
    solution = (ROOT / exercise.file).read_text(encoding="utf-8")
    blank = skeleton(solution, exercise.file)
    yield Proof(exercise, "skeleton", blank, ("unsolved",), f"exercise {exercise.name} is not solved yet")
    yield Proof(exercise, "solution", solution, ("passed",), "")
    for answer in exercise.answers("right"):
        text = filled(blank, exercise.file, exercise.name, answer.read_text(encoding="utf-8"))
        yield Proof(exercise, f"right/{answer.stem}", text, ("passed",), "")
    for answer in exercise.answers("wrong"):
        text = filled(blank, exercise.file, exercise.name, answer.read_text(encoding="utf-8"))
        yield Proof(exercise, f"wrong/{answer.stem}", text, ("failed", "hung", "ended"), sentence_of(answer))


def sentence_of(answer: Path) -> str:
    """What its first line says that it must be told."""
    says = _SAYS.match(answer.read_text(encoding="utf-8"))
    if says is None:
        raise ValueError(f"{answer}: its first line must be # says: and the sentence that it gets")
    return says[1]


def sentences(exercise: Exercise) -> Sequence[str]:
    """All that its wrong answers are told."""
    return sorted({sentence_of(answer) for answer in exercise.answers("wrong")})
