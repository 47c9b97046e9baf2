import asyncio
import threading

import pytest

from serving.loading_thread import TookTooLong, in_thread

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
