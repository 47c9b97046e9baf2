"""Stops with one clear line when a program runs outside the project's virtual environment."""

import sys
from importlib.util import find_spec

SOMETHING_INSTALLED = "confluent_kafka"


def check_environment() -> None:
    """End a program in one line if this Python has not what it needs; without effect on an import by somebody else."""
    started_as_program = sys.argv[:1] == ["-m"]  # so it is while ``python -m`` imports the packages around its module
    if started_as_program and find_spec(SOMETHING_INSTALLED) is None:
        sys.stderr.write(
            f"error: this project's libraries are not installed for {sys.executable}: in the project's folder, type "
            "`source .venv/bin/activate` (`make demo` makes .venv)\n"
        )
        raise SystemExit(1)
