"""Blocking work off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

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
    except BaseException as error:  # handed to the caller
        doing.set_exception(error)
