"""Which answers were saved: a learner may have another exercise's file open than the one that is shown."""

from collections.abc import Sequence
from pathlib import Path

from exercises.catalogue import Exercise
from exercises.workspace import Workspace


class SavedAnswers:
    """The learner's answers as they were at the last look."""

    def __init__(self, workspace: Workspace) -> None:
        """This is the first look."""
        self._workspace = workspace
        self._times: dict[Path, int] = {}
        self._answers: dict[str, str] = {}
        self.since_last_look()

    def since_last_look(self) -> Sequence[Exercise]:
        """Those whose answer has changed; only files that were saved are read."""
        times = {file: _saved_ns(self._workspace.home / file) for file in {each.file for each in self._exercises}}
        touched = {file for file, time_ns in times.items() if time_ns != self._times.get(file)}
        answers = {each.name: self._workspace.answer(each) for each in self._exercises if each.file in touched}
        changed = [
            each for each in self._exercises if answers.get(each.name) not in (None, self._answers.get(each.name))
        ]
        self._times = times
        self._answers |= answers
        return changed

    @property
    def _exercises(self) -> Sequence[Exercise]:
        return self._workspace.exercises


def _saved_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
