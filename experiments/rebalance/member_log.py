"""What a member tells of itself: a line for each thing that happens, with its time. Another process reads it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Event = Literal["ready", "assigned", "positioned", "fetched", "handed", "acknowledged", "revoked", "committed", "lost"]
"""``handed``: scores given to the producer; ``acknowledged``: the broker has them; ``positioned``: after an assignment,
the committed offsets are known; ``committed``: after a revocation."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a member."""

    at_ms: int  # epoch ms
    event: Event
    offsets: Mapping[
        int, int
    ]  # by partition: of the batch the last one; of a revocation the next one; else where to begin
    member_id: str = ""  # that the coordinator knows it by, when it was assigned partitions
    acknowledged_ms: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """By partition, when it knew that the broker had the batch's first score, and its last."""


class LogWriter:
    """Each line is the system's before ``write`` returns: a kill leaves them all."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def write(
        self,
        event: Event,
        offsets: Mapping[int, int],
        member_id: str = "",
        acknowledged_ms: Mapping[int, tuple[int, int]] = MappingProxyType({}),
    ) -> None:
        """It happens now."""
        line = (time.time_ns() // 1_000_000, event, offsets, member_id, dict(acknowledged_ms))
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()


class LogReader:
    """All lines so far, also while more are written."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open(encoding="utf-8")
        self._begun = ""
        self._lines: list[Line] = []

    def lines(self) -> list[Line]:
        """In the order in which they were written."""
        *whole, self._begun = (self._begun + self._file.read()).split("\n")
        for text in whole:
            at_ms, event, offsets, member_id, acknowledged_ms = json.loads(text)
            by_partition = {int(partition): offset for partition, offset in offsets.items()}
            times = {int(partition): (first, last) for partition, (first, last) in acknowledged_ms.items()}
            self._lines.append(Line(at_ms, event, by_partition, member_id, times))
        return self._lines

    def close(self) -> None:
        """Read no more."""
        self._file.close()
