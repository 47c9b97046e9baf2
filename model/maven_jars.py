"""Java libraries by their Maven coordinates, through jgo, kept per user.

A lock file lists every jar with its size and SHA-256. A jar counts only if its SHA-256 is right:
jgo writes a download straight to its final place and later takes a file that exists for a complete one, so it only gets
to write into a staging directory.
"""

import fcntl
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

Progress = Callable[[int], AbstractContextManager[Any]]
"""Makes of a download's size in bytes what jgo calls for each file."""


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar and how to know it."""

    coordinate: str  # group:artifact:version
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name it has in Maven repositories."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_at(self, path: Path) -> bool:
        """Whether this file is this jar, whole and undamaged."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


class DownloadFailed(Exception):
    """No network, not found, broken off or damaged; what has arrived whole is kept."""


def locked_jars(path: Path) -> list[Jar]:
    """The jars of a lock file, in class path order."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Jar(coordinate, int(size), sha256) for sha256, size, coordinate in lines]


def user_cache(name: str) -> Path:
    """This user's directory of that name for what can be fetched again."""
    return platformdirs.user_cache_path("model-serving-on-streams", appauthor=False) / name


def fetch_jars(
    jars: Sequence[Jar],
    directory: Path,
    progress: Progress | None = None,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """The paths of these jars; those missing or damaged are downloaded first.

    Args:
        directory: where they are kept.
        repositories: name -> URL; None means Maven Central, or [repositories] in jgo's settings file.
    Raises:
        OSError: the directory cannot be written.
        DownloadFailed: they did not all arrive.
    """
    try:
        if any(not jar.is_at(directory / jar.file_name) for jar in jars):
            with exclusive(directory):  # another process may have fetched them meanwhile, so look again
                missing = [jar for jar in jars if not jar.is_at(directory / jar.file_name)]
                _fetch(missing, directory, progress, repositories)
    except (requests.RequestException, RuntimeError) as error:  # jgo raises RuntimeError for "not found"
        raise DownloadFailed(_in_short(error)) from None
    return [directory / jar.file_name for jar in jars]


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Only one process at a time writes there; the system takes the lock from one that dies."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(
    missing: Sequence[Jar], directory: Path, progress: Progress | None, repositories: Mapping[str, str] | None
) -> None:
    staging = directory / ".staging"
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left
    try:
        with nullcontext() if progress is None else progress(sum(jar.size_bytes for jar in missing)) as callback:
            context = _maven(staging, repositories, callback)
            for jar in missing:
                arrived = context.create_dependency(jar.coordinate).artifact.resolve()
                if not jar.is_at(arrived):
                    raise DownloadFailed(f"{jar.file_name} arrived damaged")
                arrived.replace(directory / jar.file_name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _maven(cache: Path, repositories: Mapping[str, str] | None = None, callback: Any = None) -> MavenContext:
    # jgo also warns of a damaged file, in lines of its own; ours has the remedy.
    logging.getLogger("jgo").addHandler(logging.NullHandler())
    chosen = GlobalSettings.load().repositories if repositories is None else repositories
    resolver = PythonResolver(progress_callback=callback)
    return MavenContext(resolver=resolver, repo_cache=cache, remote_repos=dict(chosen) or None)


def _in_short(error: Exception) -> str:
    """The last cause, in one line; the text of ``requests`` quotes whole objects."""
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return f"{type(cause).__name__}: {cause}".splitlines()[0]


def resolved_coordinates(coordinate: str, cache: Path) -> list[str]:
    """This artifact and all that it needs, by reading their POMs (cached there).

    Where a POM names a range of versions, the newest one that it names.
    """
    context = _maven(cache)
    inputs, needed = context.resolver.resolve([context.create_dependency(coordinate)])
    needed = [dependency for dependency in needed if dependency.scope in ("compile", "runtime")]
    return [
        f"{it.groupId}:{it.artifactId}:{it.version.strip('[]').rpartition(',')[2].strip()}" for it in (*inputs, *needed)
    ]


def write_lock(path: Path, title: str, coordinates: Sequence[str], cache: Path) -> None:
    """Write the lock file of these jars, as Maven Central has them."""
    context = _maven(cache)
    lines = [f"# {title}"]
    for coordinate in coordinates:
        jar = context.create_dependency(coordinate).artifact.resolve()
        lines.append(f"{hashlib.sha256(jar.read_bytes()).hexdigest()} {jar.stat().st_size} {coordinate}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.rmtree(cache)
