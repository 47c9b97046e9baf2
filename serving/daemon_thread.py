"""Blocking work off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
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

    def do() -> None:
        try:
            doing.set_result(work())
        except BaseException as error:  # handed to the caller
            doing.set_exception(error)

    Thread(target=do, name=name, daemon=True).start()
    return doing
