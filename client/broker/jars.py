"""Kafka without an installation: its jars by their Maven coordinates, kept per user.

``jars.lock`` lists them; it is rebuilt by ``python -m client.broker.jars``.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from client.errors import CacheUnusable, DownloadBrokenOff
from model import maven_jars
from model.maven_jars import DownloadFailed, Jar, fetch_jars, user_cache, write_lock

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka logs through slf4j and leaves the choice of a backend to its distribution: without this one it logs nothing.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"

LOCK = Path(__file__).with_name("jars.lock")
DIRECTORY_VARIABLE = "KAFKA_JARS_DIR"

Advance = Callable[[int], None]
ProgressCallback = Callable[[str, int], AbstractContextManager[Advance]]

PLAIN_LINE_EVERY_S = 5.0
MB = 1_000_000


def locked_jars() -> list[Jar]:
    """The jars of the lock file, in class path order."""
    return maven_jars.locked_jars(LOCK)


def jars_directory() -> Path:
    """Where this user's jars are: ``$KAFKA_JARS_DIR``, else in the platform's directory for caches."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    return Path(chosen) if chosen else user_cache("kafka")


def kafka_jars(
    directory: Path | None = None,
    jars: Sequence[Jar] | None = None,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """The paths of all jars; those missing or damaged are downloaded first (45 MB at the first run).

    Args:
        directory: where they are kept; None means ``jars_directory()``.
        jars: which; None means those of the lock file.
        repositories: see ``model.maven_jars.fetch_jars``.
    Raises:
        CacheUnusable: the directory cannot be written.
        DownloadBrokenOff: no network, not found, broken off or damaged; what has arrived whole is kept.
    """
    directory = jars_directory() if directory is None else directory
    jars = locked_jars() if jars is None else jars
    try:
        return fetch_jars(jars, directory, partial(download_progress, "Apache Kafka"), repositories)
    except DownloadFailed as error:
        raise DownloadBrokenOff(str(error)) from None
    except OSError as error:
        raise CacheUnusable(directory, error.strerror or str(error), DIRECTORY_VARIABLE) from None


@contextmanager
def download_progress(what: str, total_bytes: int) -> Iterator[ProgressCallback]:
    """Show one download of many files on standard error: a bar on a terminal, a line every few seconds elsewhere.

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
    done_bytes = 0
    next_line_s = time.monotonic() + PLAIN_LINE_EVERY_S

    def advance(n_bytes: int) -> None:
        nonlocal done_bytes, next_line_s
        done_bytes += n_bytes
        if time.monotonic() >= next_line_s:
            next_line_s += PLAIN_LINE_EVERY_S
            sys.stderr.write(f"downloaded {done_bytes / MB:.1f} of {total_bytes / MB:.1f} MB\n")

    yield advance
    sys.stderr.write(f"downloaded {what}\n")


def resolved_coordinates(cache: Path) -> list[str]:
    """What the lock file must list: Kafka and all that it needs, and the backend.

    The backend is not resolved together with Kafka: its own list of versions would replace some of Kafka's.
    """
    return [*maven_jars.resolved_coordinates(KAFKA, cache), LOGGING]


def main() -> None:
    """Rebuild the lock file from what Maven Central has; run it after changing a version above."""
    cache = jars_directory() / ".staging"
    title = f"{KAFKA} and all it needs, as jgo resolves it: made by `python -m client.broker.jars`"
    write_lock(LOCK, title, resolved_coordinates(cache), cache)


if __name__ == "__main__":
    main()
