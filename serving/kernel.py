"""What every variant's engine is given to work with."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from serving.broker import Broker
from serving.health import Health
from serving.report import Report
from serving.settings import Settings
from serving.sink import Sink
from serving.state_directory import claimed


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
    """Set when this server should finish what is in hand and end."""
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
        return claimed(top).joinpath(
            *(_directory_name(each) for each in (self.broker.cluster_id, self.group, self.settings.topic_prefix))
        )


def _directory_name(text: str) -> str:
    """A name for whatever text: a group is called ``../x`` if somebody says so, and must not lead out of here."""
    return quote(text, safe="").replace(".", "%2E")


def epoch_ms() -> int:
    """Now, as the messages carry it."""
    return time.time_ns() // 1_000_000
