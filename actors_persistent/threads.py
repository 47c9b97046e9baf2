"""Blocking work beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns or raises, done on a thread of its own.

    A daemon thread, not an executor's, for which the end of the event loop would wait: what hangs must not hold up the
    exit. Cancelling only stops the waiting.
    """
    doing: Future[T] = Future()
    doing.set_running_or_notify_cancel()

    def do() -> None:
        try:
            doing.set_result(work(*args, **kwargs))
        except BaseException as error:  # handed to whoever awaits it
            doing.set_exception(error)

    Thread(target=do, name=getattr(work, "__qualname__", None), daemon=True).start()
    return await asyncio.wrap_future(doing)
