"""Ending Kafka clients, whatever state they and the broker are in."""

import asyncio
from collections.abc import Coroutine
from typing import Any

CLOSE_TIMEOUT_S = 1.0


async def closed(stopping: Coroutine[Any, Any, None]) -> None:
    """Wait for a client to stop, but not for long; what goes wrong on the way out is nobody's concern any more.

    As a task of its own: aiokafka's ``stop`` can raise the CancelledError of one of its inner tasks, which, awaited
    here, would look as if this very task had been cancelled.
    """
    task = asyncio.ensure_future(stopping)
    await asyncio.wait([task], timeout=CLOSE_TIMEOUT_S)
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()  # seen, so that asyncio does not complain of it at exit
