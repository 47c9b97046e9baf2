"""What a process has used, as the system tells it."""

import os
import subprocess
import sys
import time

import pytest

from experiments.process_usage import only_child, seconds, usage


@pytest.mark.parametrize(
    ("clock", "expected_s"),
    [
        ("0:01.50", 1.5),  # macOS: minutes, seconds, hundredths
        ("12:34.25", 754.25),
        ("00:00:07", 7.0),  # Linux, POSIX: [dd-]hh:mm:ss
        ("01:02:03", 3723.0),
        ("2-01:02:03", 176_523.0),
    ],
)
def test_times_as_ps_writes_them_become_seconds(clock: str, expected_s: float) -> None:
    assert seconds(clock) == expected_s


def test_the_cpu_time_of_a_process_is_what_it_sees_itself() -> None:
    until_s = time.process_time() + 0.2
    while time.process_time() < until_s:
        sum(range(1000))
    # Linux counts ticks of 0.01 s for user and system each; elsewhere ps truncates to 0.01 s.
    assert usage(os.getpid()).cpu_s == pytest.approx(time.process_time(), abs=0.1)


def test_the_memory_of_a_process_grows_by_what_it_fills() -> None:
    size_bytes = 64 << 20
    before = usage(os.getpid()).memory_bytes
    filled = b"x" * size_bytes
    grown = usage(os.getpid()).memory_bytes - before
    assert size_bytes * 0.8 < grown < size_bytes * 1.5
    assert len(filled) == size_bytes


def test_a_process_that_has_ended_has_no_usage() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(ProcessLookupError):
        usage(ended.pid)


def test_the_one_process_that_another_has_started_is_found() -> None:
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert only_child(parent.pid) == child
        assert only_child(child) is None
        os.kill(child, 9)
