"""Kafka without an installation: its jars by their Maven coordinates, kept per user.

``jars.lock`` lists them; it is rebuilt by ``python -m client.broker.jars``.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from client.broker.download_progress import download_progress
from client.errors import CacheUnusable, DownloadBrokenOff
from model import maven_jars
from model.maven_jars import DownloadFailed, Jar, fetch_jars, user_cache, write_lock

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka logs through slf4j and leaves the choice of a backend to its distribution: without this one it logs nothing.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"

LOCK = Path(__file__).with_name("jars.lock")
DIRECTORY_VARIABLE = "KAFKA_JARS_DIR"


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
