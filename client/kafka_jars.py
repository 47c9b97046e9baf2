"""Kafka without an installation: its jars by their Maven coordinates, through jgo, kept per user.

``kafka_jars.lock`` lists every jar with its size and SHA-256. A jar is there when its SHA-256 is right, and in no other
case: jgo writes a download straight to its final place and later takes a file that exists for a complete one, so it
only gets to write into a staging directory. The list is rebuilt by ``python -m client.kafka_jars``.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from client.download_progress import download_progress
from client.errors import CacheUnusable, DownloadBrokenOff

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka logs through slf4j and leaves the choice of a backend to its distribution: without this one it logs nothing.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"

LOCK = Path(__file__).with_name("kafka_jars.lock")
DIRECTORY_VARIABLE = "KAFKA_JARS_DIR"


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


def locked_jars(path: Path = LOCK) -> list[Jar]:
    """The jars of the lock file, in class path order."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [Jar(coordinate, int(size), sha256) for sha256, size, coordinate in lines]


def jars_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this user's jars are: ``$KAFKA_JARS_DIR``, else in the platform's directory for caches."""
    if chosen := environment.get(DIRECTORY_VARIABLE):
        return Path(chosen)
    caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    if xdg := environment.get("XDG_CACHE_HOME"):
        caches = Path(xdg)
    return caches / "model-serving-on-streams" / "kafka"


def kafka_jars(
    directory: Path | None = None,
    jars: Sequence[Jar] | None = None,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """The paths of all jars; whatever is missing or damaged is downloaded first (45 MB at the first run).

    Args:
        directory: where they are kept; None means ``jars_directory()``.
        jars: which; None means those of the lock file.
        repositories: name -> URL; None means Maven Central, or what jgo's settings file says in [repositories].
    Raises:
        CacheUnusable: the directory cannot be written.
        DownloadBrokenOff: no network, not found, broken off or damaged; what has arrived whole is kept.
    """
    directory = jars_directory() if directory is None else directory
    jars = locked_jars() if jars is None else jars
    try:
        if any(not jar.is_at(directory / jar.file_name) for jar in jars):
            with alone(directory):  # another process may have fetched them meanwhile, so look again
                missing = [jar for jar in jars if not jar.is_at(directory / jar.file_name)]
                _fetch(missing, directory, repositories)
    except (requests.RequestException, RuntimeError) as error:  # jgo raises RuntimeError for "not found"
        raise DownloadBrokenOff(_in_short(error)) from None
    except OSError as error:
        raise CacheUnusable(directory, error.strerror or str(error), DIRECTORY_VARIABLE) from None
    return [directory / jar.file_name for jar in jars]


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Only one process at a time writes there; the system takes the lock from one that dies."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(missing: Sequence[Jar], directory: Path, repositories: Mapping[str, str] | None) -> None:
    staging = directory / ".staging"
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left
    try:
        with download_progress("Apache Kafka", sum(jar.size_bytes for jar in missing)) as callback:
            context = _maven(staging, repositories, PythonResolver(progress_callback=callback))
            for jar in missing:
                arrived = context.create_dependency(jar.coordinate).artifact.resolve()
                if not jar.is_at(arrived):
                    raise DownloadBrokenOff(f"{jar.file_name} arrived damaged")
                arrived.replace(directory / jar.file_name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _maven(cache: Path, repositories: Mapping[str, str] | None, resolver: PythonResolver) -> MavenContext:
    # jgo also warns of a damaged file, in lines of its own; ours has the remedy.
    logging.getLogger("jgo").addHandler(logging.NullHandler())
    chosen = GlobalSettings.load().repositories if repositories is None else repositories
    return MavenContext(resolver=resolver, repo_cache=cache, remote_repos=dict(chosen) or None)


def _in_short(error: Exception) -> str:
    """requests quotes whole objects; the last cause says what happened."""
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return f"{type(cause).__name__}: {cause}".splitlines()[0]


def resolved_coordinates(cache: Path) -> list[str]:
    """What the lock file must list: Kafka and all that it needs, by reading their POMs (cached there), and the backend.

    The backend is not resolved together with Kafka: its own list of versions would replace some of Kafka's.
    """
    context = _maven(cache, None, PythonResolver())
    inputs, needed = context.resolver.resolve([context.create_dependency(KAFKA)])
    needed = [dependency for dependency in needed if dependency.scope in ("compile", "runtime")]
    return [f"{it.groupId}:{it.artifactId}:{it.version}" for it in (*inputs, *needed)] + [LOGGING]


def main() -> None:
    """Rebuild the lock file from what Maven Central has; run it after changing a version above."""
    cache = jars_directory() / ".staging"
    context = _maven(cache, None, PythonResolver())
    lines = [f"# {KAFKA} and all it needs, as jgo resolves it: made by `python -m client.kafka_jars`"]
    for coordinate in resolved_coordinates(cache):
        jar = context.create_dependency(coordinate).artifact.resolve()
        lines.append(f"{hashlib.sha256(jar.read_bytes()).hexdigest()} {jar.stat().st_size} {coordinate}")
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.rmtree(cache)


if __name__ == "__main__":
    main()
