"""Scratch directories: gone when they are not needed any more, however the process ended."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from model import scratch
from model.scratch import PREFIX, scratch_directory
from model.trial import MODEL, Job, environment
from tests.support.hostile_models import never_ending
from tests.support.models import times_alcohol
from tests.support.process import ROOT, eventually, runs
from tests.support.trials import IN_A_TRIAL, processes_of_trials

TRYING = """
import sys
from model.trial import Trials
Trials().try_out(3, sys.stdin.buffer.read(), 60.0, 2 ** 31)
"""
HAS_TRIED = """
import sys, time
from model.trial import Trials
trials = Trials()
trials.try_out(3, sys.stdin.buffer.read(), 60.0, 2 ** 31)
print("tried", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_directory_is_gone_at_the_end_and_when_something_fails(temporary: Path) -> None:
    with scratch_directory() as directory:
        (directory / "file").write_bytes(b"x")
        assert directory.parent == temporary
    assert not list(temporary.iterdir())
    with pytest.raises(KeyError), scratch_directory():
        raise KeyError
    assert not list(temporary.iterdir())


def test_a_process_that_ends_in_the_middle_removes_what_it_has(temporary: Path) -> None:
    with scratch_directory() as directory:
        (directory / "file").write_bytes(b"x")
        scratch.remove_all()
        assert not list(temporary.iterdir())


def test_what_is_written_during_the_removal_is_removed_too(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, late = os.rmdir, iter([".ses", "hsperfdata"])

    def rmdir(path: str, *, dir_fd: int | None = None) -> None:
        for name in itertools.islice(late, 1):
            (directory / name).touch()
        removed(path, dir_fd=dir_fd)

    with scratch_directory() as directory:
        monkeypatch.setattr(os, "rmdir", rmdir)
    assert list(late) == []
    assert not list(temporary.iterdir())


def test_a_start_sweeps_what_nobody_has_locked_and_nothing_else(temporary: Path) -> None:
    left, other = temporary / f"{PREFIX}of-a-killed-process", temporary / "another-program"
    for directory in (left, other):
        directory.mkdir()
        (directory / "file").write_bytes(b"x")
    (temporary / f"{PREFIX}a-link").symlink_to(other)
    with scratch_directory() as in_use:
        scratch.sweep()
        assert not left.exists()
        assert in_use.exists()
        assert (other / "file").exists()


@pytest.fixture
def trying(temporary: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of a trial that never ends; all that it started are the trial's."""
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", TRYING], stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        process.stdin.write(never_ending())
        process.stdin.close()
        eventually(lambda: len(processes_of_trials(process.pid)) == IN_A_TRIAL, "it tries")
        assert list(temporary.glob(f"*/{MODEL}"))
        yield process
        process.kill()


def test_a_process_that_waits_for_the_next_trial_ends_with_the_one_that_was_killed(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HAS_TRIED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(times_alcohol(1.0))
        process.stdin.close()
        assert process.stdout.read(5) == b"tried"
        waiting = processes_of_trials(process.pid)
        assert len(waiting) == (0 if sys.platform == "darwin" else 1)
        process.kill()
        eventually(lambda: not any(map(runs, waiting)), "it ended, too")


def test_a_trial_ends_with_the_process_that_was_killed_and_leaves_nothing(
    trying: subprocess.Popen[bytes], temporary: Path
) -> None:
    trial = processes_of_trials(trying.pid)
    trying.kill()
    eventually(lambda: not any(map(runs, trial)), "the trial's processes ended, too")
    assert not list(temporary.iterdir())


def test_a_trial_that_fails_while_it_removes_its_directory_removes_all_of_it(temporary: Path) -> None:
    directory = temporary / "of-a-killed-process"
    directory.mkdir()
    for number in range(5_000):  # it takes a while
        (directory / str(number)).touch()
    # Nobody is at the other end of its input, and there is no model: that is an error in its main thread.
    command = [sys.executable, "-P", "-m", "model.trial_process"]
    job = json.dumps(Job(str(directory), 3, 60.0, 2**31, "auto"))
    subprocess.run(command, env=environment(), input=f"{job}\n".encode(), stdout=subprocess.DEVNULL, check=False)
    assert not directory.exists()


def test_what_is_left_when_both_are_killed_is_swept_at_the_next_start(
    trying: subprocess.Popen[bytes], temporary: Path
) -> None:
    trial = processes_of_trials(trying.pid)
    for pid in trial:
        os.kill(pid, signal.SIGSTOP)
    trying.kill()
    for pid in trial:
        os.kill(pid, signal.SIGKILL)
    trying.wait()
    assert len(list(temporary.iterdir())) == 1
    scratch.sweep()
    assert not list(temporary.iterdir())
