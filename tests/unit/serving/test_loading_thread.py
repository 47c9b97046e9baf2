import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from model.errors import LocalFailure
from serving.threads import TURN_S, TookTooLong, in_thread

SOON_S, ENOUGH_S = 0.05, 20.0


def not_expected(_: object) -> None:
    raise AssertionError("it was in time")


def test_what_the_work_gives_or_raises_is_handed_over() -> None:
    def fails() -> int:
        raise ValueError("no")

    assert asyncio.run(in_thread(lambda: 5, ENOUGH_S, not_expected)) == 5
    with pytest.raises(ValueError, match="no"):
        asyncio.run(in_thread(fails, ENOUGH_S, not_expected))


@pytest.mark.parametrize("fails_in_the_end", [False, True])
def test_work_that_hangs_is_left_behind_and_what_it_gives_in_the_end_is_disposed_of(fails_in_the_end: bool) -> None:
    may_end, disposed = threading.Event(), threading.Event()

    def hangs() -> str:
        may_end.wait(ENOUGH_S)
        if fails_in_the_end:
            raise ValueError("after all")
        return "late"

    def dispose(given: str) -> None:
        assert given == "late"
        disposed.set()

    async def wait() -> None:
        with pytest.raises(TookTooLong):
            await in_thread(hangs, SOON_S, dispose)
        assert await in_thread(lambda: 6, ENOUGH_S, not_expected) == 6  # the next one does not wait for it
        may_end.set()
        (left,) = [each for each in threading.enumerate() if each.name == "model-loading"]
        await asyncio.to_thread(left.join, ENOUGH_S)

    asyncio.run(wait())
    assert disposed.is_set() != fails_in_the_end


@pytest.fixture
def usual_s() -> Iterator[float]:
    """Another interval than Python's own."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.01)
    yield 0.01
    sys.setswitchinterval(before_s)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_turns_are_short_until_the_last_of_two_that_overlap_has_ended(order: tuple[int, int], usual_s: float) -> None:
    may_end = threading.Event(), threading.Event()

    async def both() -> None:
        works = [asyncio.create_task(in_thread(each.wait, ENOUGH_S, not_expected)) for each in may_end]
        await asyncio.sleep(0)
        assert sys.getswitchinterval() == TURN_S
        for number, left in zip(order, (TURN_S, usual_s), strict=True):
            may_end[number].set()
            await works[number]
            assert sys.getswitchinterval() == left

    asyncio.run(both())


def test_one_that_hangs_for_ever_does_not_keep_the_turns_short(usual_s: float) -> None:
    may_end = threading.Event()

    async def wait() -> None:
        with pytest.raises(TookTooLong):
            await in_thread(may_end.wait, SOON_S, lambda _: None)

    asyncio.run(wait())
    assert sys.getswitchinterval() == usual_s
    may_end.set()


def test_what_comes_after_the_waiting_was_cancelled_is_disposed_of() -> None:
    may_end, disposed = threading.Event(), threading.Event()

    async def cancelled() -> None:
        waiting = asyncio.create_task(in_thread(lambda: may_end.wait(ENOUGH_S), ENOUGH_S, lambda _: disposed.set()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    asyncio.run(cancelled())
    may_end.set()
    assert disposed.wait(ENOUGH_S)


def test_no_other_thread_is_a_failure_of_this_machine(monkeypatch: pytest.MonkeyPatch, usual_s: float) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(LocalFailure, match="can't start new thread"):
        asyncio.run(in_thread(lambda: 5, ENOUGH_S, not_expected))
    assert sys.getswitchinterval() == usual_s
