"""What an engine is given (``Kernel``), and what a variant is (``Variant``)."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from serving.engine import Engine, Guarantees
from serving.errors import StateDirectoryInUse, StateDirectoryUnusable
from serving.kafka.broker import Broker
from serving.kafka.sink import Sink
from serving.settings.server import Settings
from serving.telemetry.health import Health
from serving.telemetry.report import Report


@dataclass(frozen=True, slots=True)
class Kernel:
    """The shared parts of one running server."""

    variant: str
    port: int  # of the HTTP interface
    settings: Settings
    sink: Sink
    broker: Broker
    report: Report
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this server should finish what is in flight and end."""
    health: Health = field(default_factory=Health)
    """What ``/healthz`` tells; an engine adds obstacles."""

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.settings.group or self.variant

    def state_directory(self) -> Path:
        """The directory for what this instance keeps on disk; ask for it once, from ``Engine.start`` on.

        Raises:
            StateDirectoryInUse: another running server keeps its state there.
            StateDirectoryUnusable: it cannot be made or written.
        """
        top = self.settings.data_dir or Path(".state", self.variant, str(self.port))
        return claim_directory(top).joinpath(
            *(_directory_name(each) for each in (self.broker.cluster_id, self.group, self.settings.topic_prefix))
        )


def _directory_name(text: str) -> str:
    """Any text as one directory name: a group may be called ``../x``, and must not lead out of here."""
    return quote(text, safe="").replace(".", "%2E")


def claim_directory(directory: Path) -> Path:
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


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the five translations: its name, its promises, and how it is built."""

    name: str
    summary: str  # one sentence
    state_lives_in: str
    default_port: int
    guarantees: Guarantees
    build: Callable[[Kernel], Engine]
    settings: type[Settings] = Settings
