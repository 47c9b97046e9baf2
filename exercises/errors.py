"""What can be wrong with an exercise, or with an answer to one."""

from pathlib import Path


class ExerciseError(Exception):
    """The text is one line for the person at the terminal."""


class RegionInvalid(ExerciseError):
    """A region of a source file cannot be an exercise."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.line = line
        self.reason = reason


class TaskInvalid(ExerciseError):
    """An exercise's ``task.md`` cannot be read."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}")


class NoSuchExercise(ExerciseError):
    """No exercise has this name."""

    def __init__(self, name: str, similar: list[str]) -> None:
        remedy = f"did you mean {', '.join(similar)}?" if similar else "python -m exercises list shows them"
        super().__init__(f"there is no exercise {name!r}; {remedy}")


class AnswerUnusable(ExerciseError):
    """A learner's file that no grader can be given: it is no Python, or it has lost its region."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")


class Unsolved(ExerciseError):
    """The region is as the learner found it."""

    def __init__(self, exercise: str, file: Path, line: int) -> None:
        super().__init__(f"exercise {exercise} is not solved yet: {file}, line {line}")


class WorkspaceUnusable(ExerciseError):
    """The learner's files cannot be read or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; python -m exercises doctor says what is missing")


class NotWatched(ExerciseError):
    """The system does not say when files are saved."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no events of saved files ({reason}); they are looked at twice a second")
