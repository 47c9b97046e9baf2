"""The directory in which one server keeps its state: its own, for as long as it runs."""

import fcntl
import os
from pathlib import Path

from serving.errors import StateDirectoryInUse, StateDirectoryUnusable


def claimed(directory: Path) -> Path:
    """Make the directory if need be, and hold its lock until this process ends, however it ends.

    Below it comes a directory for each cluster, as offsets mean nothing in another one: a broker whose data was wiped
    is another cluster.

    Raises:
        StateDirectoryInUse: another running server keeps its state there.
        StateDirectoryUnusable: it cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise StateDirectoryUnusable(directory, error.strerror or str(error)) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # never closed: the lock is the process's
    except BlockingIOError:
        os.close(lock)
        raise StateDirectoryInUse(directory) from None
    return directory
