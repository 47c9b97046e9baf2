"""The processes of trials, for tests."""

import os
import sys

import psutil

from tests.support.process import runs

IN_A_TRIAL = 1 if sys.platform == "darwin" else 2
"""Processes while a model is tried out: the one that waits, and the one that is forked from it."""


def processes_of_trials(pid: int | None = None) -> list[int]:
    """Those that this process, or the one named, has started: the one that waits, and the trial in progress."""
    found = psutil.Process(pid or os.getpid()).children(recursive=True)
    return [each.pid for each in found if runs(each.pid) and _is_of_a_trial(each)]


def _is_of_a_trial(process: psutil.Process) -> bool:
    try:
        return "model.trial_process" in process.cmdline()
    except psutil.NoSuchProcess:  # it has ended meanwhile
        return False
