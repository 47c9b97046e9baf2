"""What topics take on a broker's disk, before Kafka compacts or deletes it."""

import re
from collections.abc import Iterable
from pathlib import Path

from client.broker.files import DATA


def log_bytes(broker_dir: Path, topic: str) -> int:
    """The logs of all partitions of the topics that this pattern matches; that broker's data is there."""
    partition = re.compile(rf"(?:{topic})-\d+")
    partitions = (each for each in (broker_dir / DATA).iterdir() if partition.fullmatch(each.name))
    return sum(size_bytes(each.glob("*.log")) for each in partitions)


def changelogs(group: str) -> str:
    """The pattern of the topics in which a server of this group keeps its tables."""
    return rf"{re.escape(group)}-.*changelog"


def size_bytes(files: Iterable[Path]) -> int:
    """Of the files among them, together."""
    return sum(file.stat().st_size for file in files if file.is_file())
