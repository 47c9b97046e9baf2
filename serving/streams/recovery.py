"""faust's recovery of its tables, which can say of which generation of the group it was.

Its own flags cannot: a recovery that ends while the next rebalance is under way raises them, and for a moment tables
pass for complete, though those of the new partitions have not been read. Counters taken from them then would be lost.
"""

from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


class GenerationRecovery(Recovery):
    """``completed_generation`` is the last generation whose tables were read to their end; None before the first."""

    completed_generation: int | None = None

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Called by faust when an application with tables has read them, and the group was not rebalanced since."""
        await super().on_recovery_completed(generation_id)
        self._complete(generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        """Called by faust in its place for an application without tables."""
        await super()._resume_streams(generation_id)
        self._complete(generation_id)

    def need_recovery(self) -> bool:
        """Called by faust for whether a changelog has more to be read.

        Stock, it waits for the changelog's last offset. There is no record at it if a stranger has written there in a
        transaction.
        """
        if not self.tables.changelog_queue.empty():
            return super().need_recovery()
        consumer: Any = self.app.consumer
        return any(
            remaining > 0 and consumer.changelogs_read_to.get(tp, 0) <= self.active_highwaters[tp]
            for tp, remaining in self.active_remaining().items()
        )

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002, ASYNC109
        """Called by faust for each step of a recovery.

        Stock, the first step that takes longer than ``broker_request_timeout`` ends this recovery and all later ones,
        without a word. A broker that was away for so long comes back.
        """
        await super()._wait(coro)

    def _complete(self, generation_id: int) -> None:
        if self.app.consumer_generation_id == generation_id:
            self.completed_generation = generation_id


class GenerationTableManager(TableManager):
    """What makes faust use it, and begin with it at once."""

    async def on_start(self) -> None:
        """Called by faust; stock, it waits a second here for tables to be added, and ours are there by then."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Any:
        """The one there is."""
        if self._recovery is None:
            self._recovery = GenerationRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
