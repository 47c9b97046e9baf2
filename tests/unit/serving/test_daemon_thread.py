import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from serving.threads import DaemonThread, in_daemon_thread

Run = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["a thread for each", "one thread"])
def run(request: pytest.FixtureRequest) -> Run:
    return in_daemon_thread if request.param == "a thread for each" else DaemonThread("test").run


def test_the_caller_gets_what_the_work_returns_or_raises(run: Run) -> None:
    def fails(text: str) -> None:
        raise ValueError(text)

    async def both() -> None:
        assert await run(sorted, [2, 1], reverse=True) == [2, 1]
        with pytest.raises(ValueError, match="no"):
            await run(fails, "no")
        assert await run(threading.current_thread) is not threading.main_thread()

    asyncio.run(both())


def test_the_event_loop_ends_though_the_work_hangs(run: Run) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        may_end.wait(10)
        ended.set()

    async def left_behind() -> None:
        working = asyncio.ensure_future(run(hangs))
        assert await asyncio.to_thread(begun.wait, 10)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    asyncio.run(left_behind())
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)


def test_one_thread_does_its_work_in_order_and_ends_when_it_is_closed() -> None:
    thread = DaemonThread("ordered")
    done: list[int] = []
    threads: set[threading.Thread] = set()

    def work(number: int) -> None:
        threads.add(threading.current_thread())
        done.append(number)

    async def all_of_it() -> None:
        await asyncio.gather(*(thread.run(work, number) for number in range(100)))

    asyncio.run(all_of_it())
    assert done == list(range(100))
    (only,) = threads
    thread.close()
    only.join(10)
    assert not only.is_alive()
