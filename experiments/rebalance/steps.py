"""The steps of each partition that moved, from the lines of members and broker, and the scores. Values only."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

from experiments.errors import StepMissing
from experiments.rebalance.member_log import Event, Line
from experiments.rebalance.protocols import PROTOCOLS, Protocol

STEPS = ("notice", "commit", "regroup", "assign", "position", "fetch", "score")
"""They lie end to end, from the last score of the former owner to the first one of the next."""
Kind = Literal["joins", "leaves", "killed"]
FIRST, LAST = 0, 1
T = TypeVar("T")
BROKER_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \w+ (.*)")


class BrokerLine(NamedTuple):
    """A line of ``broker.log``."""

    at_ms: int  # epoch ms
    text: str


class Score(NamedTuple):
    """A message of the scores topic."""

    partition: int
    offset: int  # of its record
    member: str
    at_ms: int  # when the broker appended it, epoch ms


@dataclass(frozen=True, slots=True)
class Change:
    """A second member that came or went, and the time in which all its consequences lie."""

    protocol: Protocol
    group: str
    kind: Kind
    began_ms: int
    ended_ms: int

    def covers(self, at_ms: int) -> bool:
        """Whether something happened during it."""
        return self.began_ms <= at_ms <= self.ended_ms


@dataclass(frozen=True, slots=True)
class Ends:
    """One end of a hole: when the member handed the score over, when the broker appended it, when the member knew."""

    handed_ms: int
    appended_ms: int
    acknowledged_ms: int | None  # None: the member was killed before

    @property
    def member_ms(self) -> int:
        """The member's word for when the score was in Kafka."""
        return self.handed_ms if self.acknowledged_ms is None else self.acknowledged_ms

    @property
    def agree(self) -> bool:
        """Whether the broker's clock reading lies between the member's two, as it must."""
        later = self.appended_ms if self.acknowledged_ms is None else self.acknowledged_ms
        return self.handed_ms <= self.appended_ms <= later


@dataclass(frozen=True, slots=True)
class Move:
    """A partition that got another owner."""

    change: Change
    partition: int
    former: str
    successor: str
    asked_ms: int  # when the coordinator knew that the group must change
    moments_ms: Sequence[int]  # one more than steps: where each begins, and where the last one ends
    last: Ends
    first: Ends

    @property
    def steps_ms(self) -> Sequence[int]:
        """How long each of ``STEPS`` took."""
        return [after - before for before, after in pairwise(self.moments_ms)]

    @property
    def hole_ms(self) -> int:
        """In the scores topic, by the broker's clock readings alone."""
        return self.first.appended_ms - self.last.appended_ms

    @property
    def difference_ms(self) -> int:
        """Of the steps' sum and the hole."""
        return sum(self.steps_ms) - self.hole_ms

    @property
    def broken(self) -> Sequence[str]:
        """What cannot be: steps that end before they begin, and clocks that contradict each other."""
        at = f"{self.change.protocol}, {self.change.kind}, partition {self.partition}"
        steps = zip(STEPS, self.steps_ms, strict=True)
        backwards = [f"{at}: step {name} took {took_ms} ms" for name, took_ms in steps if took_ms < 0]
        ends = (self.last, self.first)
        return backwards + [f"{at}: a score's times contradict each other: {each}" for each in ends if not each.agree]


def broker_lines(log: str) -> list[BrokerLine]:
    """The lines of a broker's log that have a time, which is this machine's local one."""
    found = (BROKER_LINE.fullmatch(line) for line in log.splitlines())
    return [BrokerLine(_epoch_ms(each[1]), each[2]) for each in found if each is not None]


def moves(
    change: Change, scores: Iterable[Score], logs: Mapping[str, Sequence[Line]], broker: Sequence[BrokerLine]
) -> list[Move]:
    """Each partition whose scores come of another member after the change than before.

    Args:
        scores: in the order of the topic, by partition.
        logs: by member.
    Raises:
        StepMissing: nobody tells of one.
    """
    return [
        _move(change, before, after, logs, broker)
        for before, after in pairwise(scores)
        if before.partition == after.partition and before.member != after.member and change.covers(after.at_ms)
    ]


def longest_gaps(change: Change, scores: Iterable[Score]) -> Mapping[int, int]:
    """By partition, the longest time during the change without a score, in ms."""
    gaps: dict[int, int] = {}
    for before, after in pairwise(scores):
        if before.partition == after.partition and change.covers(after.at_ms):
            gaps[after.partition] = max(gaps.get(after.partition, 0), after.at_ms - before.at_ms)
    return gaps


def _move(
    change: Change, before: Score, after: Score, logs: Mapping[str, Sequence[Line]], broker: Sequence[BrokerLine]
) -> Move:
    protocol, partition = PROTOCOLS[change.protocol], after.partition
    former = _Told(logs[before.member], partition, change)
    successor = _Told(logs[after.member], partition, change)
    coordinator = [each for each in broker if change.covers(each.at_ms)]

    def logged(of: str, member: str = "") -> Sequence[int]:
        pattern = protocol.pattern(of, group=change.group, member=member, partition=partition)
        return [each.at_ms for each in coordinator if pattern.search(each.text)]

    last = former.sent(before, LAST)
    if change.kind == "killed":
        revoked_ms = _first(logged(protocol.given_up), "notice", change)
        committed_ms = revoked_ms  # nobody is left to do it
    else:
        revoked_ms = former.first("revoked").at_ms
        committed_ms = former.first("committed").at_ms
    assigned = successor.first("assigned")
    decided = [at_ms for at_ms in logged(protocol.decided, assigned.member_id) if at_ms <= assigned.at_ms]
    decided_ms = _first(decided[::-1], "regroup", change)
    positioned_ms = successor.first("positioned").at_ms
    fetched_ms = successor.first("fetched", positioned_ms).at_ms
    first = successor.sent(after, FIRST, positioned_ms)
    moments_ms = [
        last.member_ms,
        revoked_ms,
        committed_ms,
        decided_ms,
        assigned.at_ms,
        positioned_ms,
        fetched_ms,
        first.member_ms,
    ]
    asked_ms = _first(logged(protocol.asked), "notice", change)
    return Move(change, partition, before.member, after.member, asked_ms, moments_ms, last, first)


class _Told:
    """What one member says of one partition during a change."""

    def __init__(self, log: Sequence[Line], partition: int, change: Change) -> None:
        self._lines = [each for each in log if partition in each.offsets and each.at_ms <= change.ended_ms]
        self._partition = partition
        self._change = change

    def first(self, event: Event, since_ms: int | None = None) -> Line:
        """The first line of this kind during the change, or since a moment in it."""
        since_ms = self._change.began_ms if since_ms is None else since_ms
        found = (each for each in self._lines if each.event == event and each.at_ms >= since_ms)
        return _first(found, event, self._change)

    def sent(self, score: Score, end: int, since_ms: int = 0) -> Ends:
        """The times of the batch of which this score was the ``FIRST`` or the ``LAST``."""
        known = [each for each in self._lines if each.at_ms >= since_ms]
        batches = [each for each in known if each.offsets[self._partition] >= score.offset]
        handed = _first((each for each in batches if each.event == "handed"), "handed", self._change)
        acknowledged = next((each for each in batches if each.event == "acknowledged"), None)
        acknowledged_ms = None if acknowledged is None else acknowledged.acknowledged_ms[self._partition][end]
        return Ends(handed.at_ms, score.at_ms, acknowledged_ms)


def _first(found: Iterable[T], what: str, change: Change) -> T:
    for each in found:
        return each
    raise StepMissing(change.protocol, change.kind, what)


def _epoch_ms(local: str) -> int:
    return round(datetime.strptime(local, "%Y-%m-%d %H:%M:%S.%f").timestamp() * 1000)
