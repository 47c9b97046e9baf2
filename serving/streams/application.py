"""A faust application as the kernel runs it: started or said why not, watched, and stopped without losing anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog
from faust.exceptions import ProducerSendError

from model.errors import ServingError
from serving.errors import EngineCrashed
from serving.kafka.clients import close_quietly
from serving.kernel import Kernel
from serving.settings.addresses import with_port
from serving.streams.batches import Batch
from serving.streams.errors import EngineNotStarted
from serving.streams.local_state import LocalState
from serving.streams.model_table import PARTITIONS, Copy, ModelTable
from serving.streams.table import ensure_changelog
from serving.threads import DaemonThread

log: structlog.stdlib.BoundLogger = structlog.get_logger()

POLL_S = 0.02
JOINING_S = 1.0
REVOKE_TIMEOUT_S = 4.0
STOP_TIMEOUT_S = 3.0

P = ParamSpec("P")
T = TypeVar("T")

Parts = Callable[[], Sequence[LocalState]]
Restore = Callable[[set[int]], Awaitable[None]]
"""Takes the source partitions that are this instance's now."""


class Application:
    """faust between the kernel's start and stop; a ``Queryable``."""

    def __init__(self, kernel: Kernel, parts: Parts, restore: Restore | None = None) -> None:
        """Nothing is made yet.

        Args:
            parts: what this instance answers when it is queried.
            restore: called after each rebalance, when the tables are complete again, before the next batch.
        """
        self._kernel = kernel
        self.parts = parts
        self._restore = restore
        self._restored_generation: int | None = None
        self._stores: list[str] = []
        self._models: ModelTable | None = None
        self._keeping_models: asyncio.Task[None] | None = None
        self._app: Any = None  # a faust.App, from ``start`` on
        self._may_serve = asyncio.Event()
        self._ended = False
        self._scoring = asyncio.Lock()
        self._finishing: set[asyncio.Task[None]] = set()  # scored, and not acknowledged
        self._thread = DaemonThread("scoring")
        self.url = kernel.settings.url(kernel.port)
        """What the group's other instances know this one by."""
        self.token = kernel.settings.token

    async def table_name(self, name: str) -> str:
        """The full name for a table partitioned like the data, whose changelog topic is there and fit for it.

        Raises:
            ServingError: the topic is there, and of no use as it is.
        """
        name = await self._with_changelog(name, self.partitions)
        self._stores.append(name)
        return name

    async def model_table(self, directory: Path, name: str, open_copy: Callable[[Path], Copy]) -> ModelTable:
        """A table of models that every instance has whole, in a copy below a directory that is this instance's.

        Raises:
            ServingError: its changelog topic is there, and of no use as it is; or the copy cannot be read or written.
        """
        name = await self._with_changelog(name, PARTITIONS)
        self._models = ModelTable(
            self._kernel.settings,
            self._changelog(name),
            open_copy(directory / name),
            self._owns_first,
            lambda: self._kernel.broker.models_topic_id,
            self._send,
        )
        await self._models.start()
        return self._models

    async def start(self, app: Any) -> None:
        """Join the group and restore the tables.

        Args:
            app: a ``faust.App`` with its topics, tables and agents, made with the settings ``lossless``.

        Raises:
            EngineNotStarted: faust, its store or its client failed.
        """
        self._app = app
        consumer = app.consumer
        consumer.topic_ids[self._kernel.settings.topics.data] = self._kernel.broker.data_topic_id
        consumer.finish_in_flight = self._finish_in_flight
        consumer.max_batches = self._kernel.settings.batches_in_flight
        self._kernel.report.metrics.lag.set_function(consumer.lag)
        waiting = asyncio.get_running_loop().call_later(JOINING_S, self._say_joining)
        try:
            await self._app.start()
            while not self.restored():
                self._check()
                await asyncio.sleep(POLL_S)
                await self._read_rows()
        except ServingError:
            raise
        except Exception as error:  # faust, its store and its client raise errors of any class
            raise EngineNotStarted(error) from error
        finally:
            waiting.cancel()
        if self._models is not None:
            self._keeping_models = asyncio.create_task(self._keep(self._models))
        log.info("partitions_assigned", partitions=sorted(self.assigned()))

    async def run(self) -> None:
        """Let the agent work until the kernel's stop; then its batches in flight are finished and committed.

        Raises:
            EngineCrashed: faust gave up; the process must not live on as if it served.
        """
        self._may_serve.set()
        while not self._kernel.stop.is_set():
            self._check()
            if not self.restored() and self._balanced():
                async with self._scoring:
                    await self._read_rows()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._kernel.stop.wait(), POLL_S)
        async with self._scoring:
            self._ended = True
        await self._all_finished()
        await close_quietly(self._commit(), STOP_TIMEOUT_S)

    async def stop(self) -> None:
        """Leave the group and end faust's services."""
        if self._keeping_models is not None:
            self._keeping_models.cancel()
            await asyncio.wait([self._keeping_models])
        if self._models is not None:
            await self._models.close()
        for task in self._finishing:
            task.cancel()
        if self._app is not None and self._app.started:
            await close_quietly(self._app.stop(), STOP_TIMEOUT_S)
        self._thread.close()

    @contextlib.asynccontextmanager
    async def scoring(self, batch: Batch) -> AsyncIterator[bool]:
        """``async with``: this batch, and no other, is scored; it waits for ``run``, and for the tables' rows.

        Gives False if it must be left alone: it is stale, or the server ends. It is read again then.
        """
        await self._may_serve.wait()
        while not self._balanced():  # noqa: ASYNC110  # faust's flags have no event
            await asyncio.sleep(POLL_S)
        async with self._scoring:
            await self._read_rows()
            yield not (self._ended or batch.stale)

    async def in_thread(self, score: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Score off the event loop: it would stand still, and with it every query, while a model works."""
        return await self._thread.run(score, *args, **kwargs)

    async def finish(self, finishing: Coroutine[Any, Any, None]) -> None:
        """Wait in the background until a scored batch is acknowledged; meanwhile the next one is scored.

        Returns when one more may be in flight.
        """
        task = asyncio.create_task(self._finish(finishing))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        while len(self._finishing) >= self._kernel.settings.batches_in_flight:
            await asyncio.wait(self._finishing, return_when=asyncio.FIRST_COMPLETED)

    async def data_topic_recreated(self) -> None:
        """Forget what was read of the old topic, and read the new one from its beginning; the kernel has its id."""
        if self._app is not None and self._app.started:
            await self._app.consumer.topic_recreated(
                self._kernel.settings.topics.data, self._kernel.broker.data_topic_id
            )

    def between_batches(self) -> contextlib.AbstractAsyncContextManager[None]:
        """``async with``: no batch is scored."""
        return self._scoring

    @property
    def application_id(self) -> str:
        """What the instances of this application share, and nobody else does."""
        kernel = self._kernel
        return f"{kernel.broker.cluster_id}/{kernel.group}/{kernel.settings.topic_prefix}"

    @property
    def models_topic_id(self) -> str:
        """Of the models topic as it is now."""
        return self._kernel.broker.models_topic_id

    @property
    def partitions(self) -> int:
        """How many the data topic has."""
        return self._kernel.broker.data_partitions

    def restored(self) -> bool:
        """Whether the partitions are known, the tables hold what their changelogs say, and we have read it."""
        return self._balanced() and self._restored_generation == self._app.consumer_generation_id

    def instances(self) -> Mapping[str, Sequence[int]]:
        """The application's instances and their source partitions, as the group's leader has given them out."""
        topic = self._kernel.settings.topics.data
        shared = self._app.router.external_topics_metadata()
        return {with_port(str(url).rstrip("/")): sorted(topics.get(topic, ())) for url, topics in shared.items()}

    def stores(self) -> Sequence[str]:
        """The names of the tables."""
        return tuple(self._stores)

    def assigned(self) -> set[int]:
        """The source partitions of this instance."""
        topic = self._kernel.settings.topics.data
        return {each.partition for each in self._app.consumer.assignment() if each.topic == topic}

    async def _with_changelog(self, name: str, partitions: int) -> str:
        settings = self._kernel.settings
        name = f"{settings.topic_prefix}_{name}"
        await ensure_changelog(settings.bootstrap_servers, self._changelog(name), partitions, settings.security)
        return name

    def _changelog(self, table: str) -> str:
        return f"{self._kernel.group}-{table}-changelog"  # as faust calls it

    def _balanced(self) -> bool:
        app = self._app
        if app is None or not app.started or app.crashed or app.rebalancing:
            return False
        return bool(app.tables.recovery.completed_generation == app.consumer_generation_id)

    async def _read_rows(self) -> None:
        """Read what the tables say of the partitions that the last rebalance gave us."""
        generation = self._app.consumer_generation_id
        if self._balanced() and generation != self._restored_generation:
            if self._restore is not None:
                await self._restore(self.assigned())
            self._restored_generation = generation

    async def _keep(self, models: ModelTable) -> None:
        try:
            await models.run()
        except Exception as error:  # noqa: BLE001 - it ends the server, which says why
            await self._app.crash(error)

    def _owns_first(self) -> bool:
        return self.restored() and 0 in self.assigned()

    async def _send(self, topic: str, key: bytes, value: bytes) -> None:
        try:
            await self._app.producer.send_and_wait(topic, key, value, partition=0, timestamp=None, headers=None)
        except ProducerSendError as error:  # faust's wrapping of what its client says at once
            raise error.__cause__ or error from None

    def _check(self) -> None:
        if self._app.crashed:
            reason = self._app.crash_reason
            raise reason if isinstance(reason, ServingError) else EngineCrashed(reason)

    async def _finish(self, finishing: Coroutine[Any, Any, None]) -> None:
        try:
            await finishing
        except Exception as error:  # noqa: BLE001 - it ends the server, which says why
            await self._app.crash(error)

    async def _all_finished(self) -> None:
        while self._finishing:
            await asyncio.wait(self._finishing)

    async def _finish_in_flight(self) -> None:
        """Called before another instance gets our partitions; what is not acknowledged in time is scored again."""
        try:
            async with asyncio.timeout(REVOKE_TIMEOUT_S), self._scoring:
                await self._all_finished()
        except TimeoutError:
            log.warning("batches_left_behind", reason="not acknowledged in time; they will be scored again")

    async def _commit(self) -> None:
        consumer = self._app.consumer
        await consumer.maybe_wait_for_commit_to_finish()
        await consumer.commit()

    def _say_joining(self) -> None:
        log.info("joining_group", group=self._kernel.group, up_to_s=self._kernel.settings.session_timeout_ms / 1000)
