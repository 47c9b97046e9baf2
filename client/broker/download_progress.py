"""The progress of a download: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

Advance = Callable[[int], None]
ProgressCallback = Callable[[str, int], AbstractContextManager[Advance]]

PLAIN_LINE_EVERY_S = 5.0
MB = 1_000_000


@contextmanager
def download_progress(what: str, total_bytes: int) -> Iterator[ProgressCallback]:
    """Show one download of many files on standard error.

    Yields:
        what jgo calls for each file with its name and size; the context manager that it gives takes numbers of bytes.
    """
    console = Console(stderr=True)
    shown = _bar(console, what, total_bytes) if console.is_terminal else _lines(what, total_bytes)
    with shown as advance:

        @contextmanager
        def of_one_file(_name: str, _size_bytes: int) -> Iterator[Advance]:
            yield advance

        yield of_one_file


@contextmanager
def _bar(console: Console, what: str, total_bytes: int) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"{what} (first run)", total=total_bytes)
        yield lambda n_bytes: progress.advance(task, n_bytes)


@contextmanager
def _lines(what: str, total_bytes: int) -> Iterator[Advance]:
    sys.stderr.write(f"downloading {what}, {total_bytes / MB:.1f} MB (first run only)\n")
    done_bytes, next_line_s = 0, time.monotonic() + PLAIN_LINE_EVERY_S

    def advance(n_bytes: int) -> None:
        nonlocal done_bytes, next_line_s
        done_bytes += n_bytes
        if time.monotonic() >= next_line_s:
            next_line_s += PLAIN_LINE_EVERY_S
            sys.stderr.write(f"downloaded {done_bytes / MB:.1f} of {total_bytes / MB:.1f} MB\n")

    yield advance
    sys.stderr.write(f"downloaded {what}\n")
