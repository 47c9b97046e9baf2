"""Work beside the event loop that may hang: waited for so long and no longer."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

TURN_S = 0.0005
"""How long such a thread keeps Python to itself while others want it. By default it is 5 ms, and a batch on its way
needs Python some ten times. But short turns cost up to a tenth of the speed, so they are not for always."""

T = TypeVar("T")


class TookTooLong(Exception):
    """The thread is still at it; a thread cannot be ended."""


async def in_thread(work: Callable[[], T], timeout_s: float, too_late: Callable[[T], None]) -> T:
    """What ``work`` gives, or raises, on a thread of its own.

    A daemon thread, not an executor's: one that hangs must hold up neither the exit nor whatever comes next.

    Args:
        timeout_s: after this long nobody waits any more.
        too_late: gets, on that thread, what ``work`` gives after all.
    Raises:
        TookTooLong: nobody waits any more.
    """
    doing: Future[T] = Future()
    doing.set_running_or_notify_cancel()

    def run() -> None:
        usual_s = sys.getswitchinterval()
        sys.setswitchinterval(TURN_S)
        try:
            doing.set_result(work())
        except BaseException as error:  # handed to whoever awaits it
            doing.set_exception(error)
        finally:
            sys.setswitchinterval(usual_s)

    Thread(target=run, name="model-loading", daemon=True).start()
    waited_for = asyncio.wrap_future(doing)
    done, _ = await asyncio.wait([waited_for], timeout=timeout_s)
    if done:
        return waited_for.result()
    waited_for.add_done_callback(lambda late: late.cancelled() or late.exception())
    doing.add_done_callback(lambda late: None if late.exception() else too_late(late.result()))
    raise TookTooLong
