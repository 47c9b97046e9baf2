"""One learner at work: which exercise, what became of it, which hint is shown; no terminal is needed."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event

from exercises.catalogue import HINTS, Exercise
from exercises.errors import ExerciseError
from exercises.grading import Graders, Grading, Verdict, limit_s
from exercises.tool.progress import Mark, Progress
from exercises.tool.regrading import verdict_without_grader
from exercises.workspace import Workspace


class NothingToDo(ExerciseError):
    """There are no exercises."""

    def __init__(self) -> None:
        super().__init__("there are no exercises here")


class Session:
    """What is shown, on a screen or in lines."""

    def __init__(self, exercises: Sequence[Exercise], workspace: Workspace, progress: Progress) -> None:
        """Bring the learner's files up to date, and go on where the learner was.

        Raises:
            WorkspaceUnusable: the files cannot be written.
            NothingToDo: there is no exercise.
        """
        if not exercises:
            raise NothingToDo
        self.exercises = exercises
        self.workspace = workspace
        self.progress = progress
        self.is_first = not progress.file.exists()
        self.notes = list(workspace.update())
        self.marks: Mapping[str, Mark] = progress.marks()
        self.notes += progress.notes
        self.verdict: Verdict | None = None
        self.hint = 0  # which is shown; 0: none
        self.exercise = where_to_go_on(exercises, self.marks)
        self.open(self.exercise)

    @property
    def has_passed(self) -> bool:
        """Whether the answer that is there now passes."""
        return self.verdict is not None and self.verdict.status == "passed"

    @property
    def is_done(self) -> bool:
        """Whether all exercises are passed."""
        return not self.pending()

    def pending(self) -> Sequence[Exercise]:
        """Those that are not passed, the next ones after this one first."""
        at = self.exercises.index(self.exercise)
        path = [*self.exercises[at + 1 :], *self.exercises[: at + 1]]
        return [each for each in path if not is_passed(self.marks, each)]

    def open(self, exercise: Exercise) -> None:
        """Work on this one."""
        self.exercise = exercise
        self.verdict = None
        self.hint = 0
        self.progress.open(exercise.name)
        self.marks = self.progress.marks()

    def next(self) -> bool:
        """Work on the next one that is not passed; False: there is no other."""
        others = [each for each in self.pending() if each is not self.exercise]
        if not others:
            return False
        self.open(others[0])
        return True

    def show_hint(self) -> None:
        """The next level; after the last one none."""
        self.hint = (self.hint + 1) % (len(HINTS) + 1)

    def judge(self, exercise: Exercise, verdict: Verdict) -> None:
        """Take a verdict; an exercise that was passed and fails again is pending again."""
        self.progress.record({exercise.name: "passed" if verdict.status == "passed" else "pending"})
        self.marks = self.progress.marks()
        if exercise is self.exercise:
            self.verdict = verdict
            if self.has_passed:
                self.hint = 0


class Checking:
    """All exercises, graded one after the other."""

    def __init__(self, graders: Graders, workspace: Workspace, progress: Progress) -> None:
        """Nothing is graded yet."""
        self._graders = graders
        self._workspace = workspace
        self._progress = progress
        self._stop = Event()
        self._grading: Grading | None = None

    def run(self, told: Callable[[Exercise, Verdict], None]) -> Sequence[Verdict]:
        """Grade them, and write down what they are now; ``told`` gets each verdict.

        Raises:
            ServingError: there is no broker, and none can be started.
            WorkspaceUnusable: the progress cannot be written.
        """
        verdicts = []
        for exercise in self._workspace.exercises:
            verdict = self._verdict(exercise)
            if self._stop.is_set():
                break
            verdicts.append(verdict)
            self._progress.record({exercise.name: "passed" if verdict.status == "passed" else "pending"})
            told(exercise, verdict)
        return verdicts

    def stop(self) -> None:
        """End it, from another thread."""
        self._stop.set()
        if self._grading is not None:
            self._grading.cancel()

    def _verdict(self, exercise: Exercise) -> Verdict:
        known = verdict_without_grader(exercise, self._workspace)
        if known is not None:
            return known
        self._grading = self._graders.begin(exercise, self._workspace.home)
        return self._grading.verdict(limit_s(exercise))


def is_passed(marks: Mapping[str, Mark], exercise: Exercise) -> bool:
    """Whether an exercise is."""
    mark = marks.get(exercise.name)
    return mark is not None and mark.state == "passed"


def where_to_go_on(exercises: Sequence[Exercise], marks: Mapping[str, Mark]) -> Exercise:
    """The exercise that was worked on last, or the next one after it where that is passed."""
    if not marks:
        return exercises[0]
    last = max(marks, key=lambda name: marks[name].since)
    at = next(number for number, each in enumerate(exercises) if each.name == last)
    path = [*exercises[at:], *exercises[:at]]
    return next((each for each in path if not is_passed(marks, each)), path[0])
