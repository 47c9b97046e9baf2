"""Blocking work off the event loop."""

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

from model.errors import LocalFailure

P = ParamSpec("P")
T = TypeVar("T")


async def in_daemon_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns or raises, done on a thread of its own. Cancelling only stops the waiting.

    A daemon thread, not an executor's, for which the end of the event loop would wait: work that hangs must hold up
    neither the exit nor the work after it.
    """
    name = getattr(work, "__qualname__", "work")
    return await asyncio.wrap_future(start_in_daemon_thread(name, partial(work, *args, **kwargs)))


def start_in_daemon_thread(name: str, work: Callable[[], T]) -> "Future[T]":
    """The same, for a caller that waits otherwise; ``name`` is the thread's."""
    doing: Future[T] = Future()
    doing.set_running_or_notify_cancel()
    Thread(target=partial(_do, doing, work), name=name, daemon=True).start()
    return doing


class DaemonThread:
    """One daemon thread for many pieces of work, one after the other.

    To start a thread costs a busy process milliseconds: the caller waits until Python gives the new one its first turn.
    """

    def __init__(self, name: str) -> None:
        """It is started with the first piece of work."""
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._started = False

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns or raises. Cancelling only stops the waiting."""
        doing: Future[T] = Future()
        doing.set_running_or_notify_cancel()
        if not self._started:
            self._started = True
            Thread(target=self._run, name=self._name, daemon=True).start()
        self._work.put(partial(_do, doing, partial(work, *args, **kwargs)))
        return await asyncio.wrap_future(doing)

    def close(self) -> None:
        """It ends after the work that it has."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _do(doing: "Future[T]", work: Callable[[], T]) -> None:
    try:
        doing.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed to the caller
        doing.set_exception(error)


TURN_S = 0.0005
"""How long a thread keeps Python to itself while others want it, as long as such work goes on. By default it is 5 ms,
and a batch needs Python some ten times. But short turns cost up to a tenth of the speed, so they are not for always."""


class TookTooLong(Exception):
    """The thread is still at it; a thread cannot be ended."""


class _ShortTurns:
    """From the first ``begin`` to the last ``end``, in any order, from several threads."""

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
