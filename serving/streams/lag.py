"""How many records wait."""

from typing import Any

from serving.streams.batches import Batch


class Lag:
    """The records that wait in an instance's partitions, as far as its last fetch told."""

    def __init__(self) -> None:
        self._next_offsets: dict[Any, int] = {}

    def after(self, batch: Batch, consumer: Any) -> int:
        """How many wait behind this batch, in the partitions that this consumer has of those it has served."""
        self._next_offsets |= batch.next_offsets
        ends = {tp: consumer.highwater(tp) for tp in consumer.assignment() if tp in self._next_offsets}
        return sum(max(0, end - self._next_offsets[tp]) for tp, end in ends.items() if end is not None)
