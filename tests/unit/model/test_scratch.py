"""Scratch directories: gone when they are not needed any more, however the process ended."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from model import scratch
from model.scratch import PREFIX, scratch_directory
from model.trial import MODEL, environment
from tests.support.hostile_models import never_ending
from tests.support.process import ROOT, eventually

TRYING = """
import sys
from model.trial import try_out
try_out(3, sys.stdin.buffer.read(), 60.0, 2 ** 31)
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
    """A process in the middle of a trial that never ends; the trial's process is its only child."""
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", TRYING], stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        process.stdin.write(never_ending())
        process.stdin.close()
        eventually(lambda: bool(children_of(process.pid)) and bool(list(temporary.glob(f"*/{MODEL}"))), "it tries")
        yield process
        process.kill()


def children_of(pid: int) -> list[int]:
    """The processes that this one has started."""
    return [child.pid for child in psutil.Process(pid).children()]


def runs(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def test_a_trial_ends_with_the_process_that_was_killed_and_leaves_nothing(
    trying: subprocess.Popen[bytes], temporary: Path
) -> None:
    (trial,) = children_of(trying.pid)
    trying.kill()
    eventually(lambda: not runs(trial), "the trial's process ended, too")
    assert not list(temporary.iterdir())


def test_a_trial_that_fails_while_it_removes_its_directory_removes_all_of_it(temporary: Path) -> None:
    directory = temporary / "of-a-killed-process"
    directory.mkdir()
    for number in range(5_000):  # it takes a while
        (directory / str(number)).touch()
    # Nobody is at the other end of its input, and there is no model: that is an error in its main thread.
    command = [sys.executable, "-P", "-m", "model.trial_process", "3", "60", str(2**31), "auto"]
    subprocess.run(command, cwd=directory, env=environment(directory), stdin=subprocess.DEVNULL, check=False)
    assert not directory.exists()


def test_what_is_left_when_both_are_killed_is_swept_at_the_next_start(
    trying: subprocess.Popen[bytes], temporary: Path
) -> None:
    (trial,) = children_of(trying.pid)
    os.kill(trial, signal.SIGSTOP)
    trying.kill()
    os.kill(trial, signal.SIGKILL)
    trying.wait()
    assert len(list(temporary.iterdir())) == 1
    scratch.sweep()
    assert not list(temporary.iterdir())
