"""Processes that end, though something in them hangs: in time, with one line, with the right exit code."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.process import ROOT

LIMIT_S = 0.5  # in place of 9.5
DEADLINE_S = 20.0
IMPORTS = f"""
import asyncio, os, signal, sys, threading, time
from serving import ending
from serving.errors import PortInUse

ending.LEAVE_S = {LIMIT_S}

def hang():
    threading.Event().wait()
"""
END = "end = ending.Ending()"
HANGING_CLEAN_UP = f"""
{END}
try:
    with end.begun_by_errors():
        raise PortInUse("here", 1, "a reason")
finally:
    hang()
"""
HANGING_LOOP = f"""
{END}
signal.signal(signal.SIGTERM, lambda *_: end.begin())
async def main():
    print("ready", flush=True)
    time.sleep(3600)
asyncio.run(main())
"""
HANGING_EXECUTOR = f"""
{END}
async def main():
    asyncio.get_running_loop().run_in_executor(None, hang)
    raise ZeroDivisionError("a bug")
try:
    asyncio.Runner().run(main())
except BaseException as error:
    end.leave(error)
"""
FULL_PIPE = f"""
{END}
print("ready", flush=True)
os.set_blocking(1, False)
try:
    while True:
        os.write(1, bytes(65536))
except BlockingIOError:
    os.set_blocking(1, True)
"""
ONE_AFTER_THE_OTHER = f"""
for steps in sys.stdin.read().splitlines():
    if os.fork() == 0:
        {END}
        exec(steps)
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status), file=sys.stderr, flush=True)
"""
CLOSED_PIPE = f"""
{END}
print("ready", flush=True)
sys.stdin.read()
sys.stdout.write("more")
end.leave(ZeroDivisionError("a bug"))
"""


@contextmanager
def running(program: str) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", IMPORTS + program]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(program: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error."""
    with running(program) as process:
        _, errors = process.communicate(timeout=DEADLINE_S)
        return process.returncode, errors.splitlines()


def test_an_error_is_told_though_the_clean_up_behind_it_hangs() -> None:
    exit_code, lines = ended(HANGING_CLEAN_UP)
    assert exit_code == 1
    assert lines == [
        "error: cannot listen on here:1 (a reason); choose another with --port or --host, or stop what is there"
    ]


def test_a_signal_ends_a_process_whose_event_loop_stands_still() -> None:
    with running(HANGING_LOOP) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        begun_s = time.monotonic()
        said, errors = process.communicate(timeout=DEADLINE_S)
        assert time.monotonic() - begun_s >= LIMIT_S * 0.9, "it had its time to end in order"
    assert (process.returncode, errors) == (0, "")
    assert "stop_cut_short" in said


def test_a_thread_of_the_default_executor_that_hangs_holds_up_nothing() -> None:
    exit_code, (line,) = ended(HANGING_EXECUTOR)
    assert exit_code == 1
    assert line.startswith("error: the engine crashed: ZeroDivisionError('a bug')")


@pytest.mark.parametrize(
    "last",
    [
        'sys.stdout.write("more"); end.leave(ZeroDivisionError("a bug"))',
        'end.begin(ZeroDivisionError("a bug")); print("more", flush=True)',
    ],
)
def test_a_console_that_nobody_reads_holds_up_nothing(last: str) -> None:
    with running(FULL_PIPE + last) as process:
        assert process.stderr is not None
        assert process.wait(DEADLINE_S) == 1
        (line,) = process.stderr.read().splitlines()
        assert line.startswith("error: the engine crashed: ZeroDivisionError('a bug')")


def test_a_console_that_is_gone_changes_nothing() -> None:
    with running(CLOSED_PIPE) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        (line,) = process.stderr.read().splitlines()
        assert line.startswith("error: the engine crashed: ZeroDivisionError('a bug')")
        assert process.wait(DEADLINE_S) == 1


BEGINNINGS: list[tuple[str, int, list[str]]] = [
    ("end.leave()", 0, []),
    ("end.begin(); end.leave()", 0, []),
    ("end.begin(ZeroDivisionError(1)); end.begin(); end.leave(KeyError(2))", 1, ["ZeroDivisionError(1)"]),
    ("end.begin(); end.begin(ZeroDivisionError(1)); end.leave()", 0, []),
    ("end.begin(); end.leave(KeyError(2))", 1, ["KeyError(2)"]),
    ("end.leave(SystemExit(0))", 1, ["SystemExit(0)"]),
    ("end.leave(asyncio.CancelledError())", 1, ["CancelledError()"]),
    ("end.leave(ExceptionGroup('g', [ExceptionGroup('g', [KeyError(1)]), KeyError(2)]))", 1, ["KeyError(1)"]),
]


@pytest.fixture(scope="module")
def endings() -> dict[str, tuple[int, list[str]]]:
    """The exit code of each process, and the lines on its standard error."""
    with running(ONE_AFTER_THE_OTHER) as process:
        _, errors = process.communicate("\n".join(steps for steps, _, _ in BEGINNINGS), DEADLINE_S)
    *each, rest = re.split(r"^(\d+)\n", errors, flags=re.MULTILINE)
    assert (process.returncode, rest) == (0, "")
    told = zip(each[1::2], each[::2], strict=True)
    return {steps: (int(code), said.splitlines()) for (steps, _, _), (code, said) in zip(BEGINNINGS, told, strict=True)}


@pytest.mark.parametrize(("steps", "exit_code", "said"), BEGINNINGS)
def test_what_began_the_end_is_told(
    steps: str, exit_code: int, said: list[str], endings: dict[str, tuple[int, list[str]]]
) -> None:
    code, lines = endings[steps]
    assert code == exit_code
    assert len(lines) == len(said)
    assert all(text in line for text, line in zip(said, lines, strict=True))
