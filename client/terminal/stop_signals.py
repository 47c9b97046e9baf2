"""How SIGINT (Ctrl-C) and SIGTERM end a client: both alike, without a traceback."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """A block that either signal ends at once; its ``finally`` clauses run, and nothing is raised.

    It ends in the same way when the reader of standard output has gone (``| head``).
    """
    with _handled(signal.default_int_handler):
        try:
            yield
            sys.stdout.flush()
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # Python flushes standard output again at exit, and would report an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """A block in which either signal sets the event; what is in flight can be finished."""
    with _handled(lambda _number, _frame: stop.set()):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = [signal.signal(number, handler) for number in SIGNALS]
    try:
        yield
    finally:
        for number, previous in zip(SIGNALS, before, strict=True):
            signal.signal(number, previous)
