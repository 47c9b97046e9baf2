"""Models in files below one directory, out of which no path leads."""

import io
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import local_failure

MAX_FILES = 1000  # directories included
OPENED_AS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link is an error, and a pipe without a writer is opened at once."""


def read_below(root: Path, path: str, max_bytes: int, *, directory: bool) -> bytes:
    """The content of a file below ``root``, or a zip of a directory there.

    Symbolic links are followed as long as they lead to something below ``root``; within a directory there may be none.

    Args:
        path: relative to ``root``, or absolute and inside it.
        directory: whether it may be a directory.
    Raises:
        ValueError: it leads out of ``root``, cannot be read, is neither, or is larger than ``max_bytes``.
        LocalFailure: there is no descriptor for it.
    """
    if ".." in Path(path).parts or "\0" in path:
        raise ValueError("is at a path that leads out of the model root")
    try:
        base = root.resolve(strict=True)
        real = (base / path).resolve()
        if not real.is_relative_to(base):
            raise ValueError("is at a path that leads out of the model root")
        with open_below(base, real.relative_to(base).parts) as (descriptor, kind):
            if stat.S_ISDIR(kind) and directory:
                return _zipped(descriptor, max_bytes)
            return _content(descriptor, kind, max_bytes)
    except (OSError, RuntimeError) as error:  # before Python 3.13 links in a circle are a RuntimeError
        if (local := local_failure(error)) is not None:
            raise local from error
        raise ValueError(f"cannot be read ({getattr(error, 'strerror', None) or 'too many links'})") from None


@contextmanager
def open_below(root: Path, parts: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """A descriptor of the file or directory at these steps from ``root``, and its mode.

    No step is a link: one that is put there after the path has been checked is not followed.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            inner = os.open(part, OPENED_AS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor, os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)


def _content(descriptor: int, kind: int, max_bytes: int) -> bytes:
    if not stat.S_ISREG(kind):
        raise ValueError(f"is at a path of a {'directory' if stat.S_ISDIR(kind) else 'device or pipe'}, not of a file")
    with open(descriptor, "rb", closefd=False) as file:
        content = file.read(max_bytes + 1)  # its size does not matter: it may grow
    if len(content) > max_bytes:
        raise ValueError(too_large(max_bytes))
    return content


def _zipped(directory: int, max_bytes: int) -> bytes:
    """The same bytes for the same files: sorted, without times, not compressed."""
    content = io.BytesIO()
    left = max_bytes
    count = 0
    with zipfile.ZipFile(content, "w") as archive:
        for inner, directories, files, descriptor in os.fwalk(".", dir_fd=directory):
            directories.sort()
            count += len(directories) + len(files)
            if count > MAX_FILES:
                raise ValueError(f"has more than {MAX_FILES:,} files")
            for name in (*directories, *sorted(files)):
                path = (Path(inner) / name).as_posix()
                opened = os.open(name, OPENED_AS, dir_fd=descriptor)
                try:
                    kind = os.fstat(opened).st_mode
                    if not stat.S_ISDIR(kind):
                        file = _content(opened, kind, left)
                        left -= len(file)
                        archive.writestr(zipfile.ZipInfo(path), file)
                finally:
                    os.close(opened)
    return content.getvalue()


def too_large(max_bytes: int) -> str:
    """The reason against a model of more bytes than that."""
    return f"has more than {max_bytes:,} bytes; make it smaller, or raise --max-model-bytes"
