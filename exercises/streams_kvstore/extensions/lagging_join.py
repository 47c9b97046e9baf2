"""Join a stream with a table that lags: a record waits for the table to catch up with it, and not forever.

A table is filled from a topic of its own, by a reader of its own. Nothing keeps the two in step: a record of the stream
often comes before the row that was written ahead of it. To look the row up at once is the usual way, and gives no row,
or last week's, and nobody notices. Here a record waits until the table has been read up to the record's own time::

    join = LaggingJoin(patience_s=5)

    async def vineyards_agent(stream):
        async for event in stream.events():
            emit(join.put(event.key, event.value, time_ms(event)))

    async def wines_agent(stream):
        async for event in stream.noack().events():
            emit(join.add(StreamRecord(event.key, time_ms(event), event)))

    @app.timer(0.1)
    async def no_news_is_news():
        emit(join.read_to(now_ms) if at_the_end_of_the_table_s_topic() else join.due())

One per partition: stream and table must be partitioned alike. A record is acknowledged when it is emitted, so what
waits is read again after a crash. A row that is newer than a record is taken all the same: to keep older ones is what
versioned tables are for.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record of the stream, as far as a join must know it."""

    key: bytes
    time_ms: int  # its own; the table must have been read up to here
    value: Any


@dataclass(frozen=True, slots=True)
class Joined:
    """A record and its row; None: there is none, or the table did not catch up in time."""

    record: StreamRecord
    row: Any


class LaggingJoin:
    """The rows of a table, and the records of a stream that wait for it; each is emitted once, in order per key."""

    def __init__(self, patience_s: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        """``patience_s``: how long a record may wait; ``clock_s`` is monotonic."""
        self._patience_s = patience_s
        self._clock_s = clock_s
        self._rows: dict[bytes, Any] = {}
        self._read_to_ms = -1  # the table's rows up to this time are known
        self._waiting: dict[bytes, deque[tuple[StreamRecord, float]]] = {}  # by key, oldest first; and until when

    @property
    def keys_waiting(self) -> Sequence[bytes]:
        """Those of which a record waits; their number is what this costs in memory."""
        return list(self._waiting)

    def put(self, key: bytes, row: Any, time_ms: int) -> Sequence[Joined]:
        """A row comes from the table's topic, with its time; None deletes it. Gives what need not wait any more."""
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row
        return self.read_to(time_ms)

    def read_to(self, time_ms: int) -> Sequence[Joined]:
        """The table has been read up to this time, whether there was a row or not; gives what need not wait."""
        self._read_to_ms = max(self._read_to_ms, time_ms)
        return self.due()

    def add(self, record: StreamRecord) -> Sequence[Joined]:
        """A record of the stream comes. Gives what need not wait: this one, or nothing."""
        self._waiting.setdefault(record.key, deque()).append((record, self._clock_s() + self._patience_s))
        return self._emit(record.key)

    def due(self) -> Sequence[Joined]:
        """What need not wait any more; to be asked now and then, as patience ends without an event."""
        return [joined for key in list(self._waiting) for joined in self._emit(key)]

    def _emit(self, key: bytes) -> Sequence[Joined]:
        """What need not wait, of one key: it waits no more."""
        emitted: list[Joined] = []
        # exercise[kv-3]: take from the front of the key's queue what the table has caught up with, or has waited enough
        raise NotImplementedError("exercise kv-3")
        # end[kv-3]
        return emitted
