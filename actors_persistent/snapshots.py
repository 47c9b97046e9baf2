"""Files that are replaced as a whole: a reader sees the old content or the new one, whenever the writer is killed."""

import os
from pathlib import Path

from actors_persistent.errors import StateCorrupt, StateUnwritable
from actors_persistent.frames import FrameDamaged, FrameTorn, frame_at, framed


def write_snapshot(path: Path, payload: bytes) -> None:
    """Replace the file: a temporary one, fsync, rename, and fsync of the directory that now names it.

    Raises:
        StateUnwritable: the file is what it was before.
    """
    temporary = path.with_name(f"{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(framed(payload))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise StateUnwritable(path, error.strerror or str(error)) from error


def read_snapshot(path: Path) -> bytes | None:
    """The payload that was written last; None if none ever was.

    Raises:
        StateCorrupt: the file is not what was written.
        StateUnwritable: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateUnwritable(path, error.strerror or str(error)) from error
    try:
        frame = frame_at(content, 0)
    except (FrameTorn, FrameDamaged):  # the rename came after the fsync: there is no honest way to a torn one
        raise StateCorrupt(path, "its checksum does not fit") from None
    if frame.end != len(content):
        raise StateCorrupt(path, f"{len(content) - frame.end} bytes too many")
    return frame.payload


def sync_directory(directory: Path) -> None:
    """Let the names in a directory survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
