"""Directories for what is needed only for a moment: none outlives its process for longer than until the next start.

Each is locked by the process that uses it, and the system releases the locks of one that dies: a directory that
nobody has locked is left over.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "model-scratch-"
ROUNDS = 100  # in which something has to be written at the same moment each time, or nothing can be removed

_in_use: set[Path] = set()


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """An empty directory that is removed at the end.

    Raises:
        OSError: there is no room for it, or no descriptor.
    """
    directory, lock = _made()
    _in_use.add(directory)
    try:
        yield directory
    finally:
        remove(directory)
        _in_use.discard(directory)
        os.close(lock)


def remove(directory: Path) -> None:
    """Remove a directory, and what others write into it meanwhile: they cannot any more once it is gone.

    Libraries do: Java has its ``hsperfdata`` there, from a thread of its own.
    """
    for _ in range(ROUNDS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            break


def remove_all() -> None:
    """Remove this process' directories, in use or not; for a process that is about to end in the middle of its work."""
    for directory in list(_in_use):
        remove(directory)


def sweep() -> None:
    """Remove the directories of processes that were killed; for the start of a process."""
    with contextlib.suppress(OSError):
        for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_unlocked(directory)


def _remove_unlocked(directory: Path) -> None:
    lock = _opened(directory)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(directory)
    finally:
        os.close(lock)


def _made() -> tuple[Path, int]:
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            lock = _opened(directory)
        except FileNotFoundError:  # another process has swept it already, as it was not locked yet
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if directory.exists():
                return directory, lock
        except BlockingIOError:
            pass
        os.close(lock)


def _opened(directory: Path) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
