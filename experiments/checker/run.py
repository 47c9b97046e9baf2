"""What a run has left in Kafka: records, outcomes, models, commits; all that the checker looks at. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sent:
    """A record of the data topic."""

    partition: int
    offset: int
    record_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A score or a dead letter, in the order of its own topic's partition."""

    kind: Literal["score", "dead letter"]
    partition: int  # that it is in
    source_partition: int
    source_offset: int
    record_id: str
    at_ms: int  # when it was scored, epoch ms
    model: str | None = None  # None: a dead letter


@dataclass(frozen=True, slots=True)
class Published:
    """A model of the models topic; a later one replaces it."""

    model: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Commit:
    """What the group said of a partition: the first offset that is not done with."""

    partition: int
    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What the servers' own counters say, summed over all that took part."""

    scored: int
    skipped: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Run:
    """Everything, after the group has come to the end of the data topic."""

    sent: Sequence[Sent]
    outcomes: Sequence[Outcome]
    published: Sequence[Published]  # of one data type, in the topic's order
    commits: Sequence[Commit]  # in the order in which the group made them
    counted: Counted | None = None  # None: a server was killed, and its counters with it
    committed: Mapping[int, int] = field(default_factory=dict)  # by partition: where the group was at the end
    log_ends: Mapping[int, int] = field(default_factory=dict)  # by partition: behind the data topic's last offset
