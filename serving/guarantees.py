"""What a variant promises, as data."""

from dataclasses import dataclass
from typing import Literal

Delivery = Literal["at-most-once", "at-least-once", "exactly-once"]
Overflow = Literal["wait", "drop-oldest", "spill"]


@dataclass(frozen=True, slots=True)
class Survives:
    """What is still there after a ``kill -9`` and a restart, in one of three circumstances."""

    killed: bool
    disk_wiped: bool
    model_topic_emptied: bool


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a variant promises; the README's table, ``/live`` and the contract tests read this one value."""

    delivery: tuple[Delivery, ...]  # the default first
    model_survives: Survives  # True: the restarted server scores at once; False: it skips until the next model
    counters_survive: Survives  # True: exact, nothing lost and nothing counted twice; False: from zero
    queryable: tuple[str, ...]  # the paths that answer for its state
    overflow: tuple[Overflow, ...] = ("wait",)  # the default first
