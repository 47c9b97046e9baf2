"""How a server's process ends: within its time limit, with its line and its exit code, even if something hangs."""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import NoReturn, TypeVar

import structlog
from aiokafka.errors import KafkaError

from model import scratch
from model.errors import ServingError
from serving.errors import BrokerRefused, EngineCrashed
from serving.settings.command_line import exit_code_of

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LEAVE_S = 9.5  # a stop takes at most 10 s
LAST_WORDS_S = 0.3

T = TypeVar("T", bound=BaseException)


class Ending:
    """The end of this process, begun by a signal or by the first error.

    From then on a thread counts the time. Everything else can hang: the event loop in a call that blocks, a clean-up in
    a library that does not let go, a model in its thread, the console in a pipe that nobody reads. What was not
    committed is read again.
    """

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._has_begun = False
        self._begun: queue.SimpleQueue[None] = queue.SimpleQueue()  # whose ``put`` may interrupt itself
        self._printing = threading.Lock()  # taken once, by the thread that prints the last line
        threading.Thread(target=self._count_down, name="ending", daemon=True).start()

    def begin(self, error: BaseException | None = None) -> None:
        """Start the countdown; the first call counts, also in a signal handler.

        Args:
            error: why; None: somebody asked for it, and what fails from then on until ``leave`` is part of stopping.
        """
        if not self._has_begun:
            self._has_begun = True
            self._error = error
        self._begun.put(None)

    @contextlib.contextmanager
    def begun_by_errors(self) -> Iterator[None]:
        """``with``: an error begins the end where it is raised, before any clean-up that it has to pass."""
        try:
            yield
        except Exception as error:
            self.begin(error)
            raise

    def leave(self, error: BaseException | None = None) -> NoReturn:
        """End the process with the line and the exit code of what began its end, or of ``error``; with 0 without both.

        An orderly end of the interpreter would wait for threads: Java's, which may be starting, the default executor's,
        in one of which a model may hang.
        """
        self.begin(error)
        self._error = self._error or error
        self._printing.acquire()
        self._print_error()
        scratch.remove_all()
        os._exit(self._exit_code)

    def _count_down(self) -> None:
        self._begun.get()
        time.sleep(LEAVE_S)
        if self._printing.acquire(blocking=False):
            printing = threading.Thread(target=self._print_cut_short, daemon=True)
            printing.start()
            printing.join(LAST_WORDS_S)
        os._exit(self._exit_code)

    def _print_cut_short(self) -> None:
        self._print_error()  # first: standard output may be what hangs
        with contextlib.suppress(OSError):
            log.warning("stop_cut_short", after_s=LEAVE_S)

    def _print_error(self) -> None:
        if self._error is not None:
            with contextlib.suppress(OSError):  # nobody listens any more
                sys.stderr.write(f"error: {_as_serving_error(self._error)}\n")
                sys.stderr.flush()
        with contextlib.suppress(OSError):
            sys.stdout.flush()

    @property
    def _exit_code(self) -> int:
        return 0 if self._error is None else exit_code_of(_as_serving_error(self._error))


def first_of(group: BaseExceptionGroup[T], _kind: type[T]) -> T:
    """The first error in a group, however deep."""
    inner = group.exceptions[0]
    return first_of(inner, _kind) if isinstance(inner, BaseExceptionGroup) else inner


def _as_serving_error(error: BaseException) -> ServingError:
    if isinstance(error, BaseExceptionGroup):
        error = first_of(error, BaseException)
    if isinstance(error, KafkaError):
        return BrokerRefused("Kafka", repr(error))
    return error if isinstance(error, ServingError) else EngineCrashed(error)
