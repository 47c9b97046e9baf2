"""An answer that never comes to an end is interrupted, and told at which of its lines."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exercises import answers
from exercises.answers import Answer
from exercises.catalogue import find_exercise
from exercises.endless import interrupted
from exercises.played import time
from serving.threads import start_in_daemon_thread

LONG_S = 60.0
SHORT_S = 0.2
SOLUTION = """def {signature}:
    # exercise[aa-1]: come to an end
    return None
    # end[aa-1]
"""
ASYNC_WAIT = """
async def wait(event):
    await event.wait()
"""
ASYNC_SPIN = """
async def spin():
    import asyncio
    while True:
        await asyncio.sleep(0)
"""
SWALLOWS = """for _ in range(2):
        try:
            while True: sum(range(9))
        except BaseException:
            pass
    while True: pass"""
Answered = Callable[[str, str], tuple[Answer, Any]]


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answered:
    """An answer, and its function ``run``."""
    monkeypatch.setattr(answers, "ROOT", tmp_path / "project")
    exercise = replace(find_exercise("kc-1"), name="aa-1", file=Path("numbers.py"))

    def make(signature: str, text: str) -> tuple[Answer, Any]:
        solution = SOLUTION.format(signature=signature)
        for root, content in ((tmp_path / "project", solution), (tmp_path, solution.replace("return None", text))):
            root.mkdir(exist_ok=True)
            (root / "numbers.py").write_text(content)
        answer = Answer(exercise, tmp_path)
        return answer, answer.load()

    return make


def told(answer: Answer, run: Callable[[], object], *, wait_s: float = LONG_S, spin_s: float = LONG_S) -> str:
    """What the learner is told."""
    with pytest.raises(pytest.fail.Exception) as rejected, interrupted(answer, wait_s=wait_s, spin_s=spin_s):
        run()
    return str(rejected.value)


def test_a_loop_without_an_end_is_told_by_its_line(answered: Answered) -> None:
    answer, module = answered("run()", "while True: pass")
    message = told(answer, module.run, spin_s=SHORT_S)
    assert message.startswith("Line 3 runs over and over, and never comes to an end.")
    assert "numbers.py, line 3: while True: pass" in message


def test_a_wait_without_an_end_is_told_by_its_line(answered: Answered) -> None:
    answer, module = answered("run()", "__import__('threading').Event().wait()")
    assert told(answer, module.run, wait_s=SHORT_S).startswith("Line 3 waits, and nothing ends the wait.")


def test_a_task_that_waits_is_found_below_what_awaits_it(answered: Answered) -> None:
    answer, module = answered("run(event)", f"pass\n{ASYNC_WAIT}")

    async def scene() -> None:
        waiting = asyncio.create_task(module.wait(asyncio.Event()))
        await asyncio.gather(waiting)

    message = told(answer, lambda: asyncio.run(scene()), wait_s=SHORT_S)
    assert message.startswith("Line 6 waits, and nothing ends the wait.")


def test_a_thread_that_waits_is_found(answered: Answered) -> None:
    answer, module = answered("run(event)", "event.wait()")
    never = threading.Event()
    thread = start_in_daemon_thread("answer", lambda: module.run(never))
    assert told(answer, thread.result, wait_s=SHORT_S).startswith("Line 3 waits, and nothing ends the wait.")
    never.set()
    thread.result()


def test_a_loop_of_sleeps_of_no_length_is_told_at_once_in_played_time(answered: Answered) -> None:
    """Its clock would never move: no timer is due as long as a task goes round and round."""
    answer, module = answered("run()", f"pass\n{ASYNC_SPIN}")
    message = told(answer, lambda: time.run(module.spin()))
    assert message.startswith("Line 8 runs over and over")


def test_an_answer_that_swallows_the_interruption_is_interrupted_again(
    answered: Answered,
) -> None:
    answer, module = answered("run()", SWALLOWS)
    assert told(answer, module.run, spin_s=SHORT_S).startswith("Line 5 runs over and over")


def test_what_the_interruption_has_caused_is_not_told(answered: Answered) -> None:
    text = """try:
        while True: sum(range(9))
    finally:
        raise ValueError"""
    answer, module = answered("run()", text)
    assert told(answer, module.run, spin_s=SHORT_S).startswith("Line 4 runs over and over")


def test_what_is_done_in_time_is_let_alone(answered: Answered) -> None:
    answer, module = answered("run()", "return 4")
    with interrupted(answer, wait_s=SHORT_S, spin_s=SHORT_S):
        assert module.run() == 4
