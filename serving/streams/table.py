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
from serving.kafka_clients import RETRY_S, passes


class AcknowledgedTable(faust.Table[Any, Any]):
    """Await ``acknowledged`` before you acknowledge the records that a write was made for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See ``faust.Table``."""
        super().__init__(*args, **kwargs)
        self._on_their_way: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def send_changelog(self, *write: Any, **more: Any) -> Any:
        """Called by faust for each write: partition, key, value, and how to serialize them."""
        sent = super().send_changelog(*write, **more)
        self._on_their_way.append((sent, write, more))
        return sent

    async def acknowledged(self) -> None:
        """Wait until the broker has all that was written until now; what it can take again later is sent again.

        Raises:
            BrokerRefused: it will never take it.
        """
        while self._on_their_way:
            writes, self._on_their_way = self._on_their_way, []
            for sent, write, more in writes:
                try:
                    await sent
                except KafkaError as error:
                    if not passes(error):
                        raise BrokerRefused(f"writing to the changelog of {self.name}", str(error)) from error
                    await asyncio.sleep(RETRY_S)
                    self.send_changelog(*write, **more)
