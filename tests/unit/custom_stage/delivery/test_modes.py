"""A batch that became another instance's while it was scored."""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

from custom_stage.delivery.modes import AtLeastOnce
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.records import Record

SERVED = BatchOutcome([Record("models_data", 0, 7, 0, None, b"")], [], [], [])


class Source:
    """Holds a batch, or not; keeps what is acknowledged."""

    def __init__(self, *, ours: bool) -> None:
        self._ours = ours
        self.acknowledged: list[object] = []

    def holds(self, _records: object) -> bool:
        return self._ours

    def acknowledge(self, records: object) -> None:
        self.acknowledged.append(records)


class Sink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[BatchOutcome] = []

    async def enqueue(self, served: BatchOutcome) -> Awaitable[None]:
        self.sent.append(served)
        return asyncio.sleep(0)


def delivered(*, ours: bool) -> tuple[bool, int, int]:
    """The answer, how many batches were sent, and how many acknowledged."""

    async def scene() -> tuple[bool, int, int]:
        source, sink = Source(ours=ours), Sink()
        kernel: Any = SimpleNamespace(sink=sink)
        played: Any = source
        answer = await (await AtLeastOnce(kernel, played).send(SERVED))
        return answer, len(sink.sent), len(source.acknowledged)

    return asyncio.run(scene())


def test_a_batch_that_is_still_ours_is_sent_and_acknowledged() -> None:
    assert delivered(ours=True) == (True, 1, 1)


def test_a_batch_that_went_stale_while_it_was_scored_is_neither_sent_nor_acknowledged() -> None:
    assert delivered(ours=False) == (False, 0, 0)
