"""Which offsets may be committed: those below which everything has been acknowledged. Pure bookkeeping."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.scoring.records import RawRecord

Partition = tuple[str, int]
"""A topic and a partition number."""


@dataclass(slots=True)
class _InFlight:
    records: Sequence[RawRecord]
    next_offsets: Mapping[Partition, int]
    acknowledged: bool = False


class Ledger:
    """Batches in the order they were fetched; one may be acknowledged before an older one, but not committed."""

    def __init__(self) -> None:
        self._in_flight: deque[_InFlight] = deque()
        self._committable: dict[Partition, int] = {}
        self._passed_over: dict[Partition, int] = {}
        self._passed_to: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}  # of what was entered, however it was

    def take(self, records: Sequence[RawRecord]) -> None:
        """Enter a batch, at the moment it is fetched; this sequence, by reference, is its name from now on."""
        self.pass_over(records)
        entered = self._passed_over.keys() | self._passed_to.keys()
        self._in_flight.append(_InFlight(records, {each: self._ends[each] for each in entered}))
        self._passed_over = {}
        self._passed_to = {}

    def pass_over(self, records: Sequence[RawRecord]) -> None:
        """Nothing will become of this batch, which was not taken; it is committed with the next one that is."""
        next_offsets = _next_offsets(records)
        self._passed_over |= next_offsets
        self._ends |= next_offsets

    def pass_to(self, positions: Mapping[Partition, int]) -> None:
        """All records below these positions were entered: what lies between them and here is no record.

        They may be committed while nothing is in flight, and else with the next batch.
        """
        further = {each: offset for each, offset in positions.items() if offset > self._ends.get(each, -1)}
        self._passed_to |= further
        self._ends |= further

    def acknowledge(self, records: Sequence[RawRecord]) -> None:
        """All that became of this batch, scores and dead letters, is in Kafka; a forgotten batch is ignored."""
        for batch in self._in_flight:
            batch.acknowledged |= batch.records is records
        while self._in_flight and self._in_flight[0].acknowledged:
            self._committable.update(self._in_flight.popleft().next_offsets)

    def discard(self, records: Sequence[RawRecord]) -> None:
        """Likewise, and its offsets are committed already."""
        for batch in self._in_flight:
            if batch.records is records:
                batch.next_offsets = {}
        self.acknowledge(records)

    def holds(self, records: Sequence[RawRecord]) -> bool:
        """Whether this batch is in flight, and not forgotten."""
        return any(batch.records is records for batch in self._in_flight)

    def next_offsets(self, records: Sequence[RawRecord]) -> Mapping[Partition, int]:
        """Where its partitions go on after this batch; nothing where it is forgotten."""
        return next((batch.next_offsets for batch in self._in_flight if batch.records is records), {})

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight."""
        return not self._in_flight

    def committable(self) -> dict[Partition, int]:
        """The offsets to commit, those that were not committed yet."""
        return {**self._committable, **self._passed_to} if self.empty else dict(self._committable)

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """The broker has these offsets."""
        for partition, offset in offsets.items():
            for entered in (self._committable, self._passed_to):
                if entered.get(partition, offset + 1) <= offset:
                    del entered[partition]

    def forget(self) -> None:
        """All partitions were revoked: what is still in flight is another instance's to score again."""
        self._in_flight.clear()
        self._committable.clear()
        self._passed_over.clear()
        self._passed_to.clear()
        self._ends.clear()


def _next_offsets(records: Sequence[RawRecord]) -> dict[Partition, int]:
    """Behind each partition's last record. A batch is of one topic; a tuple for each record would cost 0.1 us more."""
    last = {each.partition: each for each in records}
    return {(each.topic, each.partition): each.offset + 1 for each in last.values()}
