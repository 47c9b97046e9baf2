"""The processes of trials, for tests."""

import os

import psutil


def processes_of_trials(pid: int | None = None) -> list[int]:
    """Those that this process, or the one named, has started: the one that waits, and the trial in progress."""
    found = psutil.Process(pid or os.getpid()).children(recursive=True)
    return [each.pid for each in found if runs(each.pid) and "model.trial_process" in each.cmdline()]


def runs(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
