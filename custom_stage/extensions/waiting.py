"""Wait for the model instead of skipping: batches of a data type without a model are kept until it comes, in order.

The servers skip such records, and count them. Where every record needs a score, this stands between the fetch loop and
the stage: ``await put(...)`` in place of the push, and ``model_arrived`` after ``States.accept``. What waits here is in
flight: its offsets are not committed, and after a crash it is read again. A stop cancels a ``put`` that waits.

The price: a data type whose model never comes holds up its partitions, and at last the whole instance. Watch the lag.
"""

import asyncio
from collections.abc import Callable, Sequence

from serving.scoring.records import WineBatch


class WaitingRoom:
    """Batches of one data type and one partition each.

    A batch is scored when its model is there and nothing that came before it in its partition waits. Nothing is
    dropped: while ``max_batches`` wait, ``put`` does not return, so the fetch loop stands still, and the lag grows.
    """

    def __init__(self, score: Callable[[WineBatch], None], max_batches: int) -> None:
        """``score`` is called for one batch after the other, in the order of each partition."""
        self._score = score
        self._max_batches = max_batches
        self._has_model: set[str] = set()  # data types
        self._waiting: Sequence[WineBatch] = ()  # the oldest first
        self._room = asyncio.Event()

    async def put(self, wines: WineBatch) -> None:
        """Score a batch, or keep it; returns when there is room for another one."""
        self._go_through([*self._waiting, wines])
        await self._room.wait()

    def model_arrived(self, data_type: str) -> None:
        """Records of this data type can be scored from now on."""
        self._has_model.add(data_type)
        self._go_through(self._waiting)

    def _go_through(self, batches: Sequence[WineBatch]) -> None:
        """Score of these batches, the oldest first, what can be scored; keep the others."""
        # exercise[cs-6]: score each batch whose turn it is, keep the others in order, and say whether there is room
        waiting: list[WineBatch] = []
        blocked: set[int] = set()  # partitions
        for wines in batches:
            partition = partition_of(wines)
            if wines.data_type in self._has_model and partition not in blocked:
                self._score(wines)
            else:
                waiting.append(wines)
                blocked.add(partition)
        self._waiting = waiting
        if len(waiting) < self._max_batches:
            self._room.set()
        else:
            self._room.clear()
        # end[cs-6]


def partition_of(wines: WineBatch) -> int:
    """Of a batch of one partition."""
    records = (*wines.records, *wines.unfit)
    return records[0].partition
