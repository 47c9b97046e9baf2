"""A faust table that can say when its changelog has what was written to it.

faust flushes its producer before it commits offsets, but gives the flush up, without a word, when nothing was sent for
0.1 s; and what the producer could not send in the end is a line in the log. On a busy machine the offsets of records
were so committed ahead of the changelog: killed then, a server has lost their counts, as nobody reads them again.
"""

import asyncio
from typing import Any

import faust
from aiokafka.errors import KafkaError

from serving.errors import BrokerRefused
from serving.kafka.clients import RETRY_S, is_transient


class AcknowledgedTable(faust.Table[Any, Any]):
    """Await ``acknowledged`` before you acknowledge the records that a write was made for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See ``faust.Table``."""
        super().__init__(*args, **kwargs)
        self._arriving: set[asyncio.Task[None]] = set()  # those that failed stay: who waits must know
        self._newest: dict[Any, asyncio.Task[None]] = {}  # by key

    def send_changelog(self, *write: Any, **more: Any) -> Any:
        """Called by faust for each write: partition, key, value, and how to serialize them."""
        sent = super().send_changelog(*write, **more)
        arriving = asyncio.ensure_future(self._arrives(sent, write, more, self._epoch))
        self._arriving.add(arriving)
        self._newest[write[1]] = arriving
        arriving.add_done_callback(self._arrived)
        return sent

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was written until now; what it can take again later is resent.

        Raises:
            BrokerRefused: it will never take it.
        """
        await asyncio.gather(*self._arriving)

    @property
    def _epoch(self) -> int:
        consumer: Any = self.app.consumer
        return int(consumer.epoch)

    def _on_changelog_sent(self, fut: Any) -> None:
        """Called by faust for an acknowledgement: nothing yet, see ``_arrives``."""

    async def _arrives(self, sent: Any, write: tuple[Any, ...], more: dict[str, Any], epoch: int) -> None:
        """Wait for a write's acknowledgement; the store then has what the changelog has, up to its offset.

        Once the partition was revoked, neither is known: its next owner may have written rows before this one, and
        newer ones after it.
        """
        while True:
            try:
                await sent
            except KafkaError as error:
                if not is_transient(error):
                    raise BrokerRefused(f"writing to the changelog of {self.name}", str(error)) from error
            else:
                if epoch == self._epoch:
                    super()._on_changelog_sent(sent)
                return
            await asyncio.sleep(RETRY_S)
            if epoch != self._epoch:
                return  # stale: nobody waits for it
            newest = self._newest[write[1]]
            if newest is not asyncio.current_task():  # resent now, this would come behind it, and be restored
                await asyncio.shield(newest)
                return
            sent = super().send_changelog(*write, **more)

    def _arrived(self, arriving: "asyncio.Task[None]") -> None:
        if not arriving.cancelled() and arriving.exception() is None:
            self._arriving.discard(arriving)
