"""What graders are written with, and how one is run: in a process of its own that ends with a verdict.

A grader's every demand is an ``expect``: what must hold, and in words what it means on the stream that it does not.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Literal, NoReturn

import pytest

from exercises.catalogue import Exercise

TIMEOUT_S, BROKER_TIMEOUT_S = 20.0, 60.0
MAX_SENTENCE = 100
MAX_VALUE = 160
LEADS = ("expected: ", "happened: ", "on the stream: ")
BROKER = "EXERCISES_BOOTSTRAP_SERVERS"
"""The variable with the address of the broker that is kept for all graders."""
UNSOLVED = "unsolved"
"""The name of the property of a test's report that says that nothing was answered yet."""

Status = Literal["passed", "unsolved", "failed", "hung", "ended"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one grading."""

    exercise: str
    status: Status
    message: str = ""  # at most 5 lines: what was expected, what happened, what it means on the stream
    printed: str = ""  # what the answer wrote to the terminal meanwhile
    duration_s: float = 0.0


def expect(holds: bool, sentence: str, *, expected: object, happened: object, means: str) -> None:
    """Reject the answer unless this holds.

    Args:
        sentence: what is wrong, in at most 100 characters.
        expected: what a right answer does; a text is shown as it is.
        happened: what this one did.
        means: what that costs on a real stream.
    """
    if not holds:
        reject(sentence, expected=expected, happened=happened, means=means)


def reject(sentence: str, *, expected: object, happened: object, means: str) -> NoReturn:
    """Reject the answer; see ``expect``."""
    if len(sentence) > MAX_SENTENCE:
        raise ValueError(f"a sentence of {len(sentence)} characters; at most {MAX_SENTENCE} are read: {sentence}")
    details = [lead + _shown(value) for lead, value in zip(LEADS, (expected, happened, means), strict=True)]
    raise pytest.fail.Exception("\n  ".join([sentence, *details]), pytrace=False) from None


def _shown(value: object) -> str:
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."


class Grading:
    """One grading, in a process of its own; it has begun."""

    def __init__(
        self, context: ForkServerContext, exercise: Exercise, root: Path, environment: Mapping[str, str]
    ) -> None:
        """Begin to grade the answer below ``root``; the grader finds these variables in its environment."""
        self.exercise = exercise
        self.is_cancelled = False
        self._began_s = time.monotonic()
        self._ending = threading.Lock()
        self._is_over = False
        # Of its own: pytest's usual one is shared by all runs, and one that ends while another one cleans up fails.
        self._directory = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        self._here, there = context.Pipe()
        words = (there, exercise.name, pytest_arguments(exercise, root, self._directory.name), dict(environment))
        self._process = context.Process(target=_graded, args=words, daemon=True)
        self._process.start()
        there.close()

    def verdict(self, limit_s: float) -> Verdict:
        """Wait for it; an answer that is not done by then is ended with its whole process group."""
        try:
            verdict = self._received(limit_s)
        finally:
            self._end()
            self._here.close()
            self._directory.cleanup()
        return replace(verdict, duration_s=time.monotonic() - self._began_s)

    def cancel(self) -> None:
        """End it, from another thread; its verdict, which is none, comes at once."""
        self.is_cancelled = True
        self._end()

    def _received(self, limit_s: float) -> Verdict:
        try:
            if self._here.poll(limit_s):
                verdict = self._here.recv()
                assert isinstance(verdict, Verdict)
                return verdict
        except (EOFError, ConnectionError):
            sentence = "The answer ended the whole process: an exit, or a crash, that nothing stopped."
            return Verdict(self.exercise.name, "ended", sentence)
        sentence = f"The answer did not come to an end within {limit_s:g} s, and nothing could interrupt it."
        return Verdict(self.exercise.name, "hung", sentence)

    def _end(self) -> None:
        with self._ending:  # once: its number may be another process's afterwards
            if self._is_over or self._process.pid is None:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()  # just begun, it may have no group of its own yet
            self._process.join()
            self._is_over = True


class Graders:
    """Runs graders, each in a process of its own, forked from one that has imported what is slow to import."""

    def __init__(self, broker: Callable[[], str] | None = None) -> None:
        """Nothing is started yet.

        Args:
            broker: the address of a broker for the graders that need one; None: each of them starts its own.
        """
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["exercises.preloaded"])
        self._broker = broker

    def prepare(self) -> None:
        """Begin with the imports, in the background: 2 s, which the first grading then does not take."""
        ensure_running()

    def begin(self, exercise: Exercise, root: Path) -> Grading:
        """Begin to grade the answer below ``root``.

        Raises:
            ServingError: there is no broker, and none can be started.
        """
        environment = {}
        if exercise.needs_broker and self._broker is not None:
            environment[BROKER] = self._broker()
        return Grading(self._context, exercise, root, environment)

    def grade(self, exercise: Exercise, root: Path, timeout_s: float | None = None) -> Verdict:
        """Grade the answer below ``root``; see ``begin``.

        Args:
            timeout_s: None is the usual limit.
        """
        return self.begin(exercise, root).verdict(timeout_s or limit_s(exercise))


def limit_s(exercise: Exercise) -> float:
    """How long an answer to this exercise may take."""
    return BROKER_TIMEOUT_S if exercise.needs_broker else TIMEOUT_S


class _Recorder:
    """A pytest plugin: the first failure's words."""

    def __init__(self) -> None:
        self.status: Status = "passed"
        self.message = self.printed = ""
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.status == "passed":
            self.status = "unsolved" if any(name == UNSOLVED for name, _ in report.user_properties) else "failed"
            self.message = str(report.longrepr).strip()
            self.printed = report.capstdout
        self.passed += report.passed and report.when == "call"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.status == "passed":
            self.status = "failed"
            self.message = str(report.longrepr).strip()


def _graded(pipe: Connection, name: str, arguments: list[str], environment: Mapping[str, str]) -> None:
    """In the forked process."""
    os.setsid()
    os.environ.update(environment)
    _end_with_parent(pipe)
    recorder = _Recorder()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it is no path
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none is needed; some object to have been imported already
    try:
        pytest.main(arguments, plugins=[recorder])
    except Exception as error:  # noqa: BLE001 - without these words the learner's answer would be blamed
        recorder.status = "ended"
        recorder.message = f"The grader broke: this is our fault, not yours.\n  {error!r}"
    if recorder.status == "passed" and not recorder.passed:
        recorder.status = "ended"
        recorder.message = "The grader asked nothing: this is our fault, not yours."
    pipe.send(Verdict(name, recorder.status, recorder.message, recorder.printed))
    os._exit(0)  # threads of the answer may be left


def pytest_arguments(exercise: Exercise, root: Path, directory: str) -> list[str]:
    """How a grader is run: its first failure is the one to learn from; its ``tmp_path`` is in this directory."""
    # What is left over at the end is no verdict: pytest would raise it in place of one.
    left_over = ["-p", "no:unraisableexception", "-p", "no:threadexception"]
    return ["-x", *left_over, f"--basetemp={directory}/pytest", "--answers", str(root), str(exercise.grader)]


def _end_with_parent(pipe: Connection) -> None:
    """A second thread ends this process group when who asked for the verdict is gone."""

    def watch() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
