"""The embedded broker's data directory: never shared by two brokers, and wiped only when it is ours."""

import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import Self

import psutil

from client.errors import DataDirectoryInUse, DataDirectoryUnusable, DiskFull, ForeignDirectory

MARKER = "embedded-kafka.lock"
"""The file that makes a directory ours; it holds the number of the process that started the broker."""

NEEDED_BYTES = 256 << 20
ORPHAN_S = 8.0
"""How long a broker whose parent was killed may still take to end; longer than the watchdog's grace time."""


class DataDirectory:
    """A directory that this process holds until ``release``.

    It holds a file lock, and the broker inherits the open file: the lock is free only when the broker has ended, too.
    """

    def __init__(self, path: Path) -> None:
        """Claim the directory, made if it does not exist.

        Raises:
            ForeignDirectory: it has files that are not ours.
            DataDirectoryInUse: another broker runs on it.
            DataDirectoryUnusable: it cannot be made, read or written.
        """
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            marker = self.path / MARKER
            if not marker.exists() and any(self.path.iterdir()):
                raise ForeignDirectory(path)
            self.lock_fd = os.open(marker, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise DataDirectoryUnusable(path, error.strerror or str(error)) from None
        try:
            self._lock(path)
        except BaseException:
            self.release()
            raise

    def _lock(self, path: Path) -> None:
        deadline = time.monotonic() + ORPHAN_S
        while not _locked(self.lock_fd):
            owner = _running(os.pread(self.lock_fd, 32, 0))
            if owner is not None or time.monotonic() > deadline:
                raise DataDirectoryInUse(path, owner)
            time.sleep(0.05)
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, str(os.getpid()).encode(), 0)

    def prepare(self, keep: bool, needed_bytes: int = NEEDED_BYTES) -> None:
        """Empty it, unless its data is to be kept, and see that there is room.

        Raises:
            DataDirectoryUnusable: something in it cannot be deleted.
            DiskFull: less than ``needed_bytes`` are free.
        """
        try:
            for entry in [] if keep else self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.name != MARKER:
                    entry.unlink()
            free_bytes = shutil.disk_usage(self.path).free
        except OSError as error:
            raise DataDirectoryUnusable(self.path, error.strerror or str(error)) from None
        if free_bytes < needed_bytes:
            raise DiskFull(self.path, free_bytes, needed_bytes)

    def release(self) -> None:
        """Release the lock of this process; a broker that still runs keeps its own."""
        os.close(self.lock_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(written: bytes) -> int | None:
    """The process with the number in the marker, or None if there is none."""
    owner = int(written) if written.isdigit() else None
    return owner if owner is not None and psutil.pid_exists(owner) else None
