"""What can go wrong around the walkthroughs, each as one line with its remedy."""

from collections.abc import Sequence
from pathlib import Path

from client.errors import quoted
from model.errors import ServingError


class NoSuchNotebook(ServingError):
    """No walkthrough has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no notebook {name!r}; there are {', '.join(known)}")


class CellFailed(ServingError):
    """A cell raised, took too long, or took its kernel along."""

    def __init__(self, source: Path, number: int, code: str, reason: str) -> None:
        super().__init__(
            f"{source.name}, cell {number} ({_first_line(code)}): {reason}; "
            f"its traceback: python notebooks/{source.name}"
        )
        self.number = number
        self.reason = reason


class KernelNotStarted(ServingError):
    """The kernel in which a notebook runs does not answer."""

    def __init__(self, source: Path, reason: str) -> None:
        super().__init__(f"{source.name}: its kernel did not start ({reason}): retry when this machine is less busy")


class OutputUnfit(ServingError):
    """A cell's output must not be published."""

    def __init__(self, source: Path, number: int, code: str, problem: str) -> None:
        super().__init__(f"{source.name}, cell {number} ({_first_line(code)}) {problem}")
        self.number = number


class NoJupyterLab(ServingError):
    """This environment has no JupyterLab."""

    def __init__(self) -> None:
        super().__init__("JupyterLab is not installed here: make lab installs it, and starts it")


class LabUnusable(ServingError):
    """JupyterLab has ended, or does not answer."""

    def __init__(self, reason: str, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"JupyterLab {reason}: correct what its last lines name, then start again{quoted('jupyter', last_lines)}"
        )


class LearnersNotebooksUnusable(ServingError):
    """The directory for the learner's copies cannot be written."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"no notebook can be copied to {directory} ({reason}): choose another place with --home")


def _first_line(code: str) -> str:
    lines = [line.strip() for line in code.splitlines() if line.strip()]
    return lines[0] if lines else "empty"
