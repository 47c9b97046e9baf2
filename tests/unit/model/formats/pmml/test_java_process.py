"""Java inside a Python process: its threads, its signals, its memory, its end."""

import json
import math
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model.formats.pmml.document import checked
from model.formats.pmml.java_model import JavaModel
from model.inputs import TYPICAL
from tests.support.pmml_text import pmml, regression


def alcohol_times(factor: float) -> bytes:
    """A model that scores a wine's alcohol times ``factor``."""
    return pmml(regression({"alcohol": factor}, intercept=0.0), ["alcohol"])


def test_models_are_loaded_and_scored_in_any_thread() -> None:
    def load_and_score(factor: int) -> list[list[float]]:
        model = JavaModel(checked(alcohol_times(factor)), "")
        with ThreadPoolExecutor(2) as others:
            return [scores.tolist() for scores in others.map(model.score, [TYPICAL] * 20)]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(load_and_score, range(8)))
    for factor, scores in enumerate(results):
        assert np.array(scores) == pytest.approx(np.tile(factor * TYPICAL[:, -1], (20, 1)))


SIGNALLED = """
import asyncio, json, os, signal, sys
from model.inputs import TYPICAL
from model.formats.pmml.document import checked
from model.formats.pmml.java_model import JavaModel
async def main():
    loop, seen = asyncio.get_running_loop(), asyncio.Queue()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, seen.put_nowait, number)
    model = await asyncio.to_thread(JavaModel, checked(sys.stdin.buffer.read()), '')
    got = []
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            got.append(int(await seen.get()))
    import jpype
    memory = jpype.JClass("java.lang.Runtime").getRuntime().maxMemory()
    print(json.dumps({"signals": got, "scores": model.score(TYPICAL).tolist(), "memory_bytes": int(memory)}))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def signalled() -> dict[str, list[float] | int]:
    """What a process tells that has signal handlers of its own and gets both signals after Java has been started."""
    child = subprocess.run([sys.executable, "-c", SIGNALLED], input=alcohol_times(1), capture_output=True, timeout=60)
    assert child.returncode == 0, child.stderr
    told: dict[str, list[float] | int] = json.loads(child.stdout)
    return told


def test_a_process_that_started_java_in_a_worker_thread_ends(signalled: dict[str, list[float] | int]) -> None:
    assert signalled["signals"]  # there is an answer: the process was waited for, and its exit code was 0


def test_java_takes_no_signal_from_the_process_that_it_lives_in(signalled: dict[str, list[float] | int]) -> None:
    assert signalled["signals"] == [signal.SIGINT, signal.SIGTERM]
    assert signalled["scores"] == [9.5, 10.2, 11.1]


def test_java_gets_128_mib_at_most(signalled: dict[str, list[float] | int]) -> None:
    memory_bytes = signalled["memory_bytes"]
    assert isinstance(memory_bytes, int)
    assert math.isclose(memory_bytes, 128 * 2**20, rel_tol=0.05)  # less one survivor space
