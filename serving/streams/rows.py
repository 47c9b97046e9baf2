"""The rows of a table of serving states: what they are kept under, and what several of them are together. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from model.serving_state import ServingState

COUNTERS = b"counters"
MODEL = b"model"  # an earlier version kept a model with each partition's counters


class Key(NamedTuple):
    """What a state is kept under."""

    partition: int  # of the data topic
    data_type: str

    def row(self, kind: bytes) -> bytes:
        """The key of one of its rows, such as ``b"counters/2/wine"``; unique across partitions, as faust needs it."""
        return b"%s/%d/%s" % (kind, self.partition, self.data_type.encode())

    @classmethod
    def of_row(cls, row: bytes, kind: bytes) -> "Key":
        """Whose a row of this kind is.

        Raises:
            ValueError: it is no row of this kind that was written here.
        """
        found, partition, data_type = row.split(b"/", 2)
        if found != kind:
            raise ValueError(row)
        return cls(int(partition), data_type.decode())


def total(data_type: str, parts: Sequence[ServingState]) -> ServingState:
    """The state over n >= 1 partitions of one instance, all of which have the same model active."""
    first = parts[0]
    return ServingState(
        data_type,
        first.model,
        first.since_ms,
        sum(part.usage for part in parts),
        sum(part.duration_ms for part in parts),
        min((part.min_ms for part in parts if part.min_ms is not None), default=None),
        max((part.max_ms for part in parts if part.max_ms is not None), default=None),
        sum(part.skipped for part in parts),
        sum(part.dead_letters for part in parts),
    )
