"""What every variant's engine is given to work with."""

import asyncio
import time
from dataclasses import dataclass, field

from serving.broker import Broker
from serving.report import Report
from serving.settings import Settings
from serving.sink import Sink


@dataclass(frozen=True, slots=True)
class Kernel:
    """The shared parts of one running server."""

    settings: Settings
    group: str  # the consumer group
    sink: Sink
    broker: Broker
    report: Report
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this server should finish what is in hand and end."""


def epoch_ms() -> int:
    """Now, as the messages carry it."""
    return time.time_ns() // 1_000_000
