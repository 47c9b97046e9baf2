"""Work beside the event loop that may hang: waited for so long and no longer."""

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from model.errors import LocalFailure
from serving.daemon_thread import start_in_daemon_thread

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
    """What ``work`` gives, or raises, on a daemon thread of its own.

    Args:
        timeout_s: after this long nobody waits any more.
        too_late: gets, on that thread, what ``work`` gives after all; also when the waiting is cancelled.
    Raises:
        TookTooLong: nobody waits any more.
        LocalFailure: there is no other thread to be had.
    """
    token = object()

    def run() -> T:
        try:
            return work()
        finally:
            _short_turns.end(token)

    _short_turns.begin(token)
    try:
        doing = start_in_daemon_thread("model-loading", run)
    except RuntimeError as error:
        _short_turns.end(token)
        raise LocalFailure(str(error)) from error
    waited_for = asyncio.wrap_future(doing)
    try:
        done, _ = await asyncio.wait([waited_for], timeout=timeout_s)
        if done:
            return waited_for.result()
    except asyncio.CancelledError:
        _leave_behind(token, doing, waited_for, too_late)
        raise
    _leave_behind(token, doing, waited_for, too_late)
    raise TookTooLong


def _leave_behind(
    token: object, doing: Future[T], waited_for: asyncio.Future[T], too_late: Callable[[T], None]
) -> None:
    _short_turns.end(token)
    waited_for.add_done_callback(lambda late: late.cancelled() or late.exception())
    doing.add_done_callback(lambda late: None if late.exception() else too_late(late.result()))
