"""Records as faust hands them to an agent: by a real application that is never started, so that it needs no broker."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakSet

import faust
from faust.types import Message

from serving.scoring.records import Record
from serving.streams.batches import BatchSchema

TOPIC = "models_data"
GENERATION = 3


class NoKafka:
    """A consumer that is not connected, as far as streams and events ask one."""

    def __init__(self) -> None:
        self.unacked = self._unacked_messages = WeakSet[Message]()
        self.topic_ids: dict[str, str] = {}
        self.epoch = 0

    def lag(self) -> int:
        return 0


def unstarted(**settings: Any) -> Any:
    """An application that is in its group's generation ``GENERATION``."""
    raw: Any = {"key_serializer": "raw", "value_serializer": "raw"}
    app: Any = faust.App("scores", broker="kafka://127.0.0.1:1", web_enabled=False, **raw, **settings)
    app.consumer_generation_id = GENERATION
    app.consumer = NoKafka()
    return app


def event(
    app: Any,
    partition: int,
    *offsets: int,
    value: bytes | None = b"",
    generation: int = GENERATION,
) -> Any:
    """What one fetch brought of one partition, in flight to one agent."""
    return event_of(app, [Record(TOPIC, partition, offset, 0, None, value) for offset in offsets], generation)


def event_of(app: Any, records: Sequence[Record], generation: int = GENERATION) -> Any:
    """The same, of these records; ``event.message.acked`` says whether they may be committed."""
    last: Any = records[-1]
    value: Any = records
    message = Message(
        last.topic, last.partition, last.offset, 0.0, 0, None, None, value, None, generation_id=generation
    )
    message.incref()
    return faust.Event(app, None, BatchSchema().loads_value(app, message), {}, message)


def events(app: Any, records: Iterable[tuple[int, int, bytes]]) -> list[Any]:
    """One of each partition, for records by partition, offset, and value."""
    by_partition: dict[int, list[Record]] = {}
    for partition, offset, value in records:
        by_partition.setdefault(partition, []).append(Record(TOPIC, partition, offset, 0, None, value))
    return [event_of(app, each) for each in by_partition.values()]


class Rows:
    """A table as faust's: a write is read back at once, and goes to the changelog partition of the record in flight."""

    def __init__(self, disk: dict[bytes, bytes], changelog: dict[int, dict[bytes, bytes]]) -> None:
        """``disk`` and ``changelog``, compacted and by partition, are what is left when the table is gone."""
        self._disk = disk
        self._changelog = changelog
        self.sent: list[tuple[int, bytes, bytes]] = []  # partition, row, value; of this table's life
        self.deleted: list[tuple[int, bytes]] = []

    def __setitem__(self, row: bytes, value: bytes) -> None:
        in_hand = faust.current_event()
        assert in_hand is not None, "faust takes the partition of a write from the event in flight"
        self._disk[row] = value
        self.sent.append((in_hand.message.partition, row, value))

    def __delitem__(self, row: bytes) -> None:
        in_hand = faust.current_event()
        assert in_hand is not None, "faust takes the partition of a write from the event in flight"
        del self._disk[row]
        self.deleted.append((in_hand.message.partition, row))

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(list(self._disk.items()))

    async def acknowledged(self) -> None:
        for partition, row, value in self.sent:
            self._changelog.setdefault(partition, {})[row] = value
