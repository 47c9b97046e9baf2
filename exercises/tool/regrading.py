"""A verdict at every save: one exercise at a time is watched, and graded again when its file has changed.

The file is looked at when the system says that it was saved, twice a second, and after each grading: a save while a
grader runs is seen, and a file system without events is no obstacle.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import watchfiles

from exercises.answers import assemble
from exercises.catalogue import Exercise
from exercises.errors import AnswerUnusable, Unsolved
from exercises.grading import Graders, Grading, Verdict, limit_s
from exercises.tool.saved import SavedAnswers
from exercises.workspace import Fingerprint, Workspace
from model.errors import ServingError

LOOK_EVERY_S = 0.5
GATHER_MS = 50
"""How long one save's events are gathered; an editor sends several."""
MISSING_S = 2.0
"""When an event that should have come is missing."""
NO_EVENTS = "no file events come here: your file is looked at twice a second instead"


def verdict_without_grader(exercise: Exercise, workspace: Workspace) -> Verdict | None:
    """What any grader would say of a file that it cannot be given; None: it must be graded."""
    try:
        assemble(exercise, workspace.file(exercise))
    except Unsolved as error:
        return Verdict(exercise.name, "unsolved", str(error))
    except AnswerUnusable as error:
        return Verdict(exercise.name, "failed", str(error))
    return None


class Saves:
    """Calls whenever the system says that something below a folder has changed, from entry to exit."""

    def __init__(self, home: Path, call: Callable[[], None]) -> None:
        """Nothing is watched yet."""
        self._home = home
        self._call = call
        self._stop = threading.Event()
        self.last_s = time.monotonic()
        """When the last event came."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="saves", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()

    def _watch(self) -> None:
        try:
            changes = watchfiles.watch(
                self._home,
                watch_filter=None,
                debounce=GATHER_MS,
                step=GATHER_MS // 2,
                stop_event=self._stop,
                rust_timeout=500,
                raise_interrupt=False,
            )
            for _ in changes:
                self.last_s = time.monotonic()
                self._call()
        except (OSError, RuntimeError):  # none can be had here: those who look twice a second notice it
            return


class Regrading:
    """Grades the watched exercise at once, and again after each change of its file, on a thread of its own."""

    def __init__(
        self,
        graders: Graders,
        workspace: Workspace,
        begun: Callable[[Exercise], None],
        judged: Callable[[Exercise, Verdict], None],
        failed: Callable[[Exception], None],
        saved_other: Callable[[Exercise], None] = lambda _: None,
    ) -> None:
        """All are called on that thread: when a grading begins, has ended, and could not be done.

        ``saved_other``: the answer of this exercise was saved, and not that of the watched one.
        What is judged is what the file holds: a verdict on what it held before is never told.
        """
        self._graders = graders
        self._workspace = workspace
        self._begun = begun
        self._judged = judged
        self._failed = failed
        self._saved_other = saved_other
        self._answers = SavedAnswers(workspace)
        self._changed = threading.Condition()
        self._exercise: Exercise | None = None
        self._seen: Fingerprint | None = None  # what the last verdict is on; None: another one is wanted
        self._grading: Grading | None = None
        self._is_closed = False
        self._saves = Saves(workspace.home, self.look)
        self._noticed_s: float | None = None  # when a change was seen for which no event had come
        self._thread = threading.Thread(target=self._run, name="regrading", daemon=True)

    def __enter__(self) -> Self:
        self._saves.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._saves.__exit__(None, None, None)
        with self._changed:
            self._is_closed = True
            self._cancel()
        self._thread.join()

    @property
    def are_events_missing(self) -> bool:
        """Whether a file has changed without an event."""
        noticed_s = self._noticed_s
        return noticed_s is not None and self._saves.last_s < noticed_s < time.monotonic() - MISSING_S

    def watch(self, exercise: Exercise | None) -> None:
        """Grade this one from now on; None: none."""
        with self._changed:
            self._exercise = exercise
            self._seen = None
            self._cancel()

    def again(self) -> None:
        """Grade it again, though nothing has changed."""
        with self._changed:
            self._seen = None
            self._cancel()

    def look(self) -> None:
        """Something may have changed: a grading of what is there no more is given up."""
        with self._changed:
            if self._grading is not None and self._exercise is not None:
                if self._workspace.fingerprint(self._exercise) != self._seen:
                    self._cancel()
            else:
                self._changed.notify()

    def _cancel(self) -> None:
        if self._grading is not None:
            self._grading.cancel()
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._is_closed and not self._is_due():
                    self._changed.wait(LOOK_EVERY_S)
                if self._is_closed:
                    return
                exercise, is_due = self._exercise, self._is_due()
                if exercise is not None and is_due:
                    self._seen = seen = self._workspace.fingerprint(exercise)
            saved = self._answers.since_last_look()
            if exercise is None:
                continue
            if saved and exercise not in saved:
                self._saved_other(saved[0])
            if is_due:
                self._grade(exercise, seen)

    def _is_due(self) -> bool:
        if self._exercise is None:
            return False
        now = self._workspace.fingerprint(self._exercise)
        if self._saves.last_s > (self._noticed_s or 0.0):
            self._noticed_s = None
        if self._seen is not None and now != self._seen and time.monotonic() - self._saves.last_s > LOOK_EVERY_S:
            self._noticed_s = self._noticed_s or time.monotonic()
        return now != self._seen

    def _grade(self, exercise: Exercise, seen: Fingerprint) -> None:
        self._begun(exercise)
        known = verdict_without_grader(exercise, self._workspace)
        if known is not None:
            self._judged(exercise, known)
            return
        try:
            grading = self._graders.begin(exercise, self._workspace.home)
        except ServingError as error:
            self._failed(error)
            return
        with self._changed:
            self._grading = grading
            if self._seen != seen or self._is_closed:  # asked for something else meanwhile
                grading.cancel()
        verdict = grading.verdict(limit_s(exercise))
        with self._changed:
            self._grading = None
            is_outdated = self._seen != seen or self._workspace.fingerprint(exercise) != seen
            if is_outdated or grading.is_cancelled:
                self._seen = None
                return
        self._judged(exercise, verdict)
