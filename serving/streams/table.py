"""faust's tables, with changelogs that can be trusted: before, during and after.

- **Before**: ``ensure_changelog``. faust would create a changelog too, but takes any that exists: one that deletes
  after a week, or one whose partitions are not those of the data, which only fails at the first write.
- **During**: ``AcknowledgedTable``. faust flushes its producer before it commits offsets, but gives the flush up,
  without a word, when nothing was sent for 0.1 s; and what the producer could not send in the end is a line in the
  log. On a busy machine the offsets of records were so committed ahead of the changelog: killed then, a server has
  lost their counts, as nobody reads them again.
- **After**: ``GenerationRecovery``. faust's own flags cannot say of which generation of the group a recovery was: one
  that ends while the next rebalance is under way raises them, and for a moment tables pass for complete, though those
  of the new partitions have not been read. Counters taken from them then would be lost.
"""

import asyncio
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

from serving.errors import BrokerRefused
from serving.kafka.clients import RETRY_S, is_transient
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import COMPACTED
from serving.streams.errors import ChangelogPartitionsDiffer


async def ensure_changelog(
    bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity = PLAINTEXT
) -> None:
    """Create the changelog topic if it is missing; on return it is there, as it should be, and has leaders.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
        name: of the topic; ``Table.changelog_topic_name`` says what faust expects.
        partitions: as many as the data topic has, as a table's entries go to their record's partition number.
        security: how to log in to the brokers.
    Raises:
        BrokerNotFound: no broker answers.
        TopicRefused: the broker will not create or describe it.
        ChangelogPartitionsDiffer: it exists with another number of partitions.
        NotCompacted: it exists and deletes what is old.
    """
    await asyncio.to_thread(_ensure, bootstrap_servers, name, partitions, security)


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


def _ensure(bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity) -> None:
    creation = TopicCreation(bootstrap_servers, security, "--group")
    _, known = creation.create_missing({name: (partitions, COMPACTED)})
    # What was just created is checked as well: another instance may have been faster, with other settings.
    if (found := known[name]) != partitions:
        raise ChangelogPartitionsDiffer(bootstrap_servers, name, found, partitions)
    creation.check_compacted(name)
