"""The frame of every command's ``main``: a signal ends it quietly, an error with one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from client.terminal.stop_signals import interruptible
from model.errors import ServingError
from serving.settings.command_line import stop_with


@contextmanager
def command() -> Iterator[None]:
    """For decoration: ``@command()``.

    Ctrl-C or SIGTERM ends the function at once, with exit code 0, and its ``finally`` clauses run; an error that was
    foreseen is one line on standard error, with exit code 1, or 2 for a wrong setting.
    """
    try:
        with interruptible():
            yield
    except ServingError as error:
        stop_with(error)
