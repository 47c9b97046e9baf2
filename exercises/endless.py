"""An answer that does not come to an end is interrupted, and told at which line: it spins, or it waits.

A signal's handler runs on the main thread, where graders run, also while that thread waits. What no signal interrupts
is ended with its whole process: see ``Grading``.
"""

import asyncio
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from exercises.answers import Answer
from exercises.grading import reject

SPINNING, WAITING = signal.SIGPROF, signal.SIGALRM
SPIN_S = 8.0
"""Of processor time, which a machine that stands still does not use up; a cold start's imports take 2 to 3 s of it."""


@contextmanager
def interrupted(answer: Answer, *, wait_s: float, spin_s: float = SPIN_S) -> Iterator[None]:
    """Reject an answer that is not done after so long, or has used so much of the processor; again until it ends.

    What is raised on the way out, or is not because the answer has caught the interruption, counts for nothing.
    """
    first: list[BaseException] = []

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            _reject(answer, number, _learners_line(answer, frame), wait_s)
        except pytest.fail.Exception as rejection:
            first.append(rejection)
            raise

    before = {number: signal.signal(number, handle) for number in (SPINNING, WAITING)}
    limits = ((signal.ITIMER_PROF, spin_s), (signal.ITIMER_REAL, wait_s))
    try:
        for timer, limit_s in limits:
            signal.setitimer(timer, limit_s, limit_s)
        try:
            yield
        finally:
            if first:
                raise first[0]
    finally:
        for timer, _ in limits:
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _reject(answer: Answer, number: int, at: traceback.FrameSummary | None, wait_s: float) -> NoReturn:
    where = "The answer" if at is None else f"Line {at.lineno}"
    happened = "in the grader, or in what the answer called"
    if at is not None:
        happened = f"{answer.file.name}, line {at.lineno}: {at.line}"
    if number == SPINNING:
        reject(
            f"{where} runs over and over, and never comes to an end.",
            expected="an end, or a wait that something else ends: an event, a future, a timer",
            happened=happened,
            means="one processor is busy for nothing; no heartbeat is sent, and the group gives this instance up",
        )
    reject(
        f"{where} waits, and nothing ends the wait.",
        expected=f"an end within {wait_s:g} s: what it waits for happens, or a limit ends the wait",
        happened=happened,
        means="the partition stands still from here on, and no log says so",
    )


def _learners_line(answer: Answer, frame: FrameType | None) -> traceback.FrameSummary | None:
    """Where the learner's code is: on the interrupted stack, in another thread, or in a task that waits."""
    for stack in _stacks(frame):
        for each in reversed(stack):
            if Path(each.filename) == answer.file and answer.is_learners(each.name):
                return each
    return None


def _stacks(frame: FrameType | None) -> Iterator[traceback.StackSummary]:
    yield traceback.extract_stack(frame)
    for other in sys._current_frames().values():
        yield traceback.extract_stack(other)
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no event loop runs on this thread
        return
    for task in tasks:
        yield traceback.StackSummary.extract((each, each.f_lineno) for each in _awaiting(task.get_coro()))


def _awaiting(awaited: Any) -> Iterator[FrameType]:
    """The frames of a coroutine that is suspended, and of those that it awaits."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
