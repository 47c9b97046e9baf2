"""What is at hand in a faust stream, batch by batch: one model call for all of it, acknowledged as a whole."""

import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any

from faust.streams import _current_event

from serving.records import Record


class Batch:
    """Records of one generation of the group, in the order they came within each partition."""

    def __init__(self, app: Any, events: Sequence[Any]) -> None:
        self._app, self._events = app, events
        self.generation: int = app.consumer_generation_id
        self.by_partition: dict[int, list[Record]] = {}
        self.next_offsets: dict[Any, int] = {}
        """By topic and partition, as faust has it: where its records end."""
        self._event_of: dict[int, Any] = {}
        for event in events:
            message = event.message
            if message.generation_id != self.generation:
                continue  # its partitions were taken away: whoever has them now reads it again
            record = Record(
                message.topic,
                message.partition,
                message.offset,
                message.timestamp,
                message.key,
                message.value,
            )
            self.by_partition.setdefault(message.partition, []).append(record)
            self._event_of[message.partition] = event
            self.next_offsets[message.tp] = message.offset + 1

    @property
    def stale(self) -> bool:
        """Whether the group has been rebalanced since: these records are another instance's, and read again."""
        return bool(self._app.consumer_generation_id != self.generation)

    def records(self) -> list[Record]:
        """All of them, partition by partition."""
        return [record for records in self.by_partition.values() for record in records]

    def write_as(self, partition: int) -> None:
        """Table writes from here to the next ``await`` belong to this partition's changelog partition.

        faust takes the partition of a write from the event in hand; in a batch there are several.
        """
        _current_event.set(weakref.ref(self._event_of[partition]))

    def acknowledge(self) -> None:
        """All that became of them is in Kafka: they may be committed."""
        for event in self._events:
            if event.message.generation_id == self.generation:
                event.ack()


async def batches(app: Any, stream: Any, max_batch: int) -> AsyncIterator[Batch]:
    """The records at hand, at most ``max_batch`` at a time, for an agent to acknowledge itself.

    An agent's own loop hands over one record at a time, and its ``take`` waits for a batch to fill or time to pass;
    this takes what its queue holds.
    """
    queue = stream.channel.queue
    async for event in stream.noack().events():
        events = [event]
        while len(events) < max_batch and not queue.empty():
            events.append(queue.get_nowait())
        if (batch := Batch(app, events)).by_partition:
            yield batch
