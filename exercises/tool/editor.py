"""How a learner gets to the answer's line: a path to click on, or an editor's own command."""

import shlex
import subprocess
from pathlib import Path

from exercises.errors import ExerciseError


class NoEditor(ExerciseError):
    """The command of ``--edit-cmd`` cannot be run."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"--edit-cmd {command!r}: {reason}")


class Editor:
    """Opens a file in a window of its own, by a command such as ``code --goto {file}:{line}``."""

    def __init__(self, command: str | None) -> None:
        """``{file}`` and ``{line}`` stand for the answer's place; without ``{file}`` it is the last word. None: none.

        Raises:
            NoEditor: the command's quotes are in no pairs, or it is empty.
        """
        self._command = command
        try:
            self._words = [] if command is None else shlex.split(command)
        except ValueError as error:
            raise NoEditor(command or "", str(error)) from None
        if command is not None and not self._words:
            raise NoEditor(command, "is empty")

    @property
    def is_there(self) -> bool:
        """Whether ``--edit-cmd`` was given."""
        return bool(self._words)

    def open(self, file: Path, line: int) -> None:
        """Open it; what the editor writes is not shown.

        Raises:
            NoEditor: the command cannot be run.
        """
        if not self._words:
            return
        words = [word.replace("{file}", str(file)).replace("{line}", str(line)) for word in self._words]
        if not any("{file}" in word for word in self._words):
            words.append(str(file))
        nowhere = subprocess.DEVNULL
        try:  # it goes on when we end
            subprocess.Popen(words, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
        except OSError as error:
            raise NoEditor(self._command or "", error.strerror or str(error)) from None
