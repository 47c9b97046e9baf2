"""The tool where there is no terminal: plain lines, and keys that are followed by Enter; it ends with its input."""

import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from exercises.catalogue import HINTS, Exercise
from exercises.errors import ExerciseError
from exercises.grading import Graders, Verdict
from exercises.tool.doctor import examine
from exercises.tool.editor import Editor
from exercises.tool.regrading import NO_EVENTS, Regrading
from exercises.tool.session import Checking, Session
from exercises.tool.words import count, listed, shortened, verdict_lines

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "n": "next",
        "h": "hint",
        "l": "list",
        "r": "run",
        "x": "reset",
        "g": "go to the exercise that you saved",
        "s": "difference to our solution",
        "c": "check all",
        "q": "quit",
    }
)


class Lines:
    """One run of it."""

    def __init__(self, session: Session, graders: Graders, editor: Editor) -> None:
        """Nothing is said yet."""
        self._session = session
        self._graders = graders
        self._editor = editor
        self._saying = threading.RLock()
        self._judged = threading.Event()
        self._asks = False  # whether to reset
        self._saved_other: Exercise | None = None
        self._regrading: Regrading | None = None

    def run(self) -> None:
        """Say where the learner is, grade at each save, obey each line, until there are no more."""
        if self._session.is_first:
            for finding in examine(self._session.workspace.home):
                self._say(finding.line)
        for note in self._session.notes:
            self._say(note)
        self._regrading = regrading = Regrading(
            self._graders, self._session.workspace, self._begun, self._judge, self._failed, self._notice
        )
        with regrading:
            self._introduce()
            regrading.watch(self._session.exercise)
            for line in sys.stdin:
                key = line.strip().lower()[:1]
                if key == "q":
                    return
                with self._saying:
                    self._obey(key, regrading)
            self._judged.wait()

    def _obey(self, key: str, regrading: Regrading) -> None:
        if self._asks:
            self._asks = False
            if key == "y":
                self._session.workspace.reset(self._session.exercise)
                self._say("reset; what you had written is in .backup/")
            return
        actions: Mapping[str, Callable[[], None]] = {
            "n": partial(self._next, regrading),
            "h": self._hint,
            "l": self._list,
            "r": partial(self._again, regrading),
            "x": self._ask,
            "g": partial(self._go, regrading),
            "s": self._difference,
            "c": self._check,
        }
        actions.get(key, self._help)()

    def _next(self, regrading: Regrading) -> None:
        if self._session.next():
            self._work(regrading)
        elif self._session.is_done:
            self._say("all are passed, and run again:")
            self._check()
        else:
            self._say("this is the only one that is left")

    def _go(self, regrading: Regrading) -> None:
        if self._saved_other is None:
            self._say("you have saved no other exercise's answer")
        else:
            self._session.open(self._saved_other)
            self._work(regrading)

    def _work(self, regrading: Regrading) -> None:
        self._saved_other = None
        self._judged.clear()
        self._introduce()
        regrading.watch(self._session.exercise)

    def _hint(self) -> None:
        self._session.show_hint()
        if self._session.hint:
            level = self._session.hint
            self._say(f"hint {level} of {len(HINTS)}: {self._session.exercise.hints[level - 1]}")

    def _list(self) -> None:
        for line in listed(self._session.exercises, self._session.marks):
            self._say(line)

    def _again(self, regrading: Regrading) -> None:
        self._judged.clear()
        regrading.again()

    def _ask(self) -> None:
        self._asks = True
        self._say(f"reset {self._session.exercise.name} to how you found it? y or n")

    def _difference(self) -> None:
        if not self._session.has_passed:
            self._say("after it has passed")
            return
        for line in self._session.workspace.difference(self._session.exercise) or ["your answer is ours"]:
            self._say(line)

    def _check(self) -> None:
        session = self._session
        checking = Checking(self._graders, session.workspace, session.progress)
        checking.run(lambda _, verdict: self._say(verdict_lines(verdict)[0]))
        session.marks = session.progress.marks()
        self._say(count(session.exercises, session.marks))

    def _help(self) -> None:
        self._say(", ".join(f"{each} {what}" for each, what in KEYS.items()))

    def _introduce(self) -> None:
        exercise, workspace = self._session.exercise, self._session.workspace
        self._say(f"\n{exercise.name}: {exercise.title} ({exercise.part}, {exercise.minutes} min)")
        line = workspace.line(exercise)
        self._say(f"{shortened(workspace.file(exercise))}:{line}\n\n{exercise.task}\n")
        try:
            self._editor.open(workspace.file(exercise), line)
        except ExerciseError as error:
            self._say(str(error))

    def _begun(self, exercise: Exercise) -> None:
        """Nothing is said before there is a verdict."""

    def _judge(self, exercise: Exercise, verdict: Verdict) -> None:
        with self._saying:
            self._session.judge(exercise, verdict)
            for line in verdict_lines(verdict):
                self._say(line)
            if self._regrading is not None and self._regrading.are_events_missing:
                self._say(NO_EVENTS)
            if verdict.status == "passed":
                self._say(f"\nWhat production does\n{exercise.production}\n\n{self._where()}")
        self._judged.set()

    def _notice(self, exercise: Exercise) -> None:
        self._saved_other = exercise
        self._say(f"you saved {exercise.name}; this is {self._session.exercise.name}: g goes to {exercise.name}")

    def _where(self) -> str:
        return (
            f"{count(self._session.exercises, self._session.marks)}; n goes on, s shows the difference to our solution"
        )

    def _failed(self, error: Exception) -> None:
        self._say(f"error: {error}")
        self._judged.set()

    def _say(self, line: str) -> None:
        with self._saying:
            print(line, flush=True)
