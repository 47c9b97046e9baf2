"""Work beside the event loop that may hang: waited for so long and no longer."""

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from model.errors import LocalFailure

TURN_S = 0.0005
"""How long a thread keeps Python to itself while others want it, as long as such work goes on. By default it is 5 ms,
and a batch needs Python some ten times. But short turns cost up to a tenth of the speed, so they are not for always."""

T = TypeVar("T")


class TookTooLong(Exception):
    """The thread is still at it; a thread cannot be ended."""


class _ShortTurns:
    """From the first ``begin`` to the last ``end``, in whatever order they come from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going_on: set[object] = set()
        self._usual_s = 0.0

    def begin(self, work: object) -> None:
        with self._lock:
            if not self._going_on:
                self._usual_s = sys.getswitchinterval()
                sys.setswitchinterval(TURN_S)
            self._going_on.add(work)

    def end(self, work: object) -> None:
        """A second time changes nothing."""
        with self._lock:
            if work in self._going_on:
                self._going_on.remove(work)
                if not self._going_on:
                    sys.setswitchinterval(self._usual_s)


_short_turns = _ShortTurns()


async def in_thread(work: Callable[[], T], timeout_s: float, too_late: Callable[[T], None]) -> T:
    """What ``work`` gives, or raises, on a thread of its own.

    A daemon thread, not an executor's: one that hangs must hold up neither the exit nor whatever comes next.

    Args:
        timeout_s: after this long nobody waits any more.
        too_late: gets, on that thread, what ``work`` gives after all; also when the waiting is cancelled.
    Raises:
        TookTooLong: nobody waits any more.
        LocalFailure: there is no other thread to be had.
    """
    doing: Future[T] = Future()
    doing.set_running_or_notify_cancel()

    def run() -> None:
        try:
            try:
                given = work()
            finally:
                _short_turns.end(doing)
        except BaseException as error:  # handed to whoever awaits it
            doing.set_exception(error)
        else:
            doing.set_result(given)

    _short_turns.begin(doing)
    try:
        Thread(target=run, name="model-loading", daemon=True).start()
    except RuntimeError as error:
        _short_turns.end(doing)
        raise LocalFailure(str(error)) from error
    waited_for = asyncio.wrap_future(doing)
    try:
        done, _ = await asyncio.wait([waited_for], timeout=timeout_s)
        if done:
            return waited_for.result()
    except asyncio.CancelledError:
        _leave_behind(doing, waited_for, too_late)
        raise
    _leave_behind(doing, waited_for, too_late)
    raise TookTooLong


def _leave_behind(doing: Future[T], waited_for: asyncio.Future[T], too_late: Callable[[T], None]) -> None:
    _short_turns.end(doing)
    waited_for.add_done_callback(lambda late: late.cancelled() or late.exception())
    doing.add_done_callback(lambda late: None if late.exception() else too_late(late.result()))
