"""Branch a stream: good records to one topic, each kind of bad ones to another, as ``split()`` does in Kafka Streams.

For a faust application in front of the servers, whose data topic then has good records only::

    app = faust.App("branching", broker="kafka://localhost:9092", key_serializer="raw", value_serializer="raw")
    unreadable = Fault("not a WineRecord", is_unreadable, app.topic("wines_unreadable"))
    branching = Branching(app.topic("models_data"), [unreadable])
    app.agent(app.topic("wines"))(branching.run)

Topics and channels are the same to it. faust has no ``split()``: its idiom is ``Event.forward``, which sends a record
on as it came, with its key and its headers.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faust
from google.protobuf.message import DecodeError

from protobufs.wine_record_pb2 import WineRecord


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a record can be bad, and where such records go."""

    reason: str  # goes with the record, as a header
    is_in: Callable[[bytes | None], bool]
    branch: Any  # a faust channel, or topic


class Branching:
    """Sends each record to exactly one branch: that of the first fault that it has, or the one for good records."""

    def __init__(self, good: Any, faults: Sequence[Fault]) -> None:
        """``good``: a faust channel, or topic; ``faults``: in the order in which they are looked for."""
        self._good = good
        self._faults = faults
        self.found: Counter[str] = Counter()
        """How many records had each fault, by its reason."""

    async def run(self, records: faust.Stream[bytes | None]) -> None:
        """The agent: faust acknowledges each record when this turns to the next one.

        Raises:
            Exception: a branch does not take a record. It is not acknowledged then, and an agent that must lose nothing
                ends its process, see ``Consumer.on_task_error`` in ``serving/streams/transport.py``.
        """
        async for event in records.events():
            # exercise[im-3]: forward the record to one branch, a bad one with its reason; wait until the branch has it
            raise NotImplementedError("exercise im-3")
            # end[im-3]


def is_unreadable(value: bytes | None) -> bool:
    """Whether this is no ``WineRecord``; a tombstone is none."""
    try:
        WineRecord.FromString(value or b"\x00")
    except DecodeError:
        return True
    return False
