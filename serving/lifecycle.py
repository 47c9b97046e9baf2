"""From ``python -m VARIANT.server`` to exit: start in order, serve, and stop without losing anything."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from socket import socket
from typing import Any, Generic, TypeVar

import structlog
from aiokafka.errors import KafkaError
from yarl import URL

from model.errors import ServingError
from serving import logs
from serving.addresses import in_url
from serving.broker import Broker
from serving.command_line import stop_with
from serving.engine import ArrivedModel, Engine
from serving.errors import BrokerRefused, EngineCrashed, NotOffered
from serving.health import Health
from serving.http_api import application
from serving.http_server import HttpServer, listen
from serving.kernel import Kernel
from serving.model_feed import ModelFeed
from serving.records import RejectedRecord
from serving.report import Report
from serving.settings import Settings
from serving.sink import Sink
from serving.variant import E, Variant

log: structlog.stdlib.BoundLogger = structlog.get_logger()

STOP_TIMEOUT_S = 5.0  # for what is in hand; closing the clients takes up to four more
LEAVE_S = 9.5  # a stop takes at most 10 s
TICK_S = 1.0
SMALL_OBJECTS = 50_000
"""A batch is so many objects, which live for milliseconds and are in no cycle. The collector would by default look
through them every 700, which took 0.4 of all the time; and through what the libraries have brought, which stays."""

T = TypeVar("T", bound=BaseException)


def run(variant: Variant[E]) -> None:
    """Run a variant's server until SIGINT or SIGTERM; the process then exits 0, after an error 1, on bad flags 2."""
    exit_code: object = 0
    gc.set_threshold(SMALL_OBJECTS, *gc.get_threshold()[1:])
    try:
        _run(variant)
    except SystemExit as end:
        exit_code = end.code
    # All is closed. An orderly end of the interpreter would still wait for Java, which may be starting in the thread
    # that loads a model, and hang with it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code if isinstance(exit_code, int) else 0)


def _run(variant: Variant[E]) -> None:
    try:
        settings = Settings.read(f"python -m {variant.name}.server")
        _check_offered(variant, "--delivery", settings.delivery, variant.guarantees.delivery)
        _check_offered(variant, "--overflow", settings.overflow, variant.guarantees.overflow)
        logs.configure(settings)
        asyncio.run(_Server(variant, settings).run())
    except* Exception as group:
        error = first_of(group, Exception)
        if isinstance(error, KafkaError):
            error = BrokerRefused("Kafka", repr(error))
        stop_with(error if isinstance(error, ServingError) else EngineCrashed(error))


def _check_offered(variant: Variant[E], flag: str, asked: str | None, offered: Sequence[str]) -> None:
    if asked is not None and asked not in offered:
        raise NotOffered(variant.name, flag, asked, offered)


class _Server(Generic[E]):
    def __init__(self, variant: Variant[E], settings: Settings) -> None:
        self._variant, self._settings = variant, settings
        self._port = settings.port or variant.default_port
        self._health = Health()
        self._report = Report()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_on, number)
        with listen(self._settings.host, self._port) as listening:
            async with contextlib.AsyncExitStack() as closing:
                broker = Broker(self._settings, self._broker_changed)
                closing.push_async_callback(broker.close)
                sink = Sink(self._settings, self._variant.name)
                closing.push_async_callback(sink.close)
                kernel = Kernel(self._variant.name, self._port, self._settings, sink, broker, self._report, self._stop)
                engine = self._variant.build(kernel)
                closing.push_async_callback(engine.close)
                async with self._http(engine, listening):
                    await until(broker.wait_for_topics(), self._stop)
                    if not self._stop.is_set():
                        await until(sink.start(), self._stop)
                    if not self._stop.is_set():
                        await until(engine.start(), self._stop)
                    if not self._stop.is_set():
                        await self._serve(kernel, engine)
        report = self._report
        log.info("server_stopped", scored=report.scored, skipped=report.skipped, dead_letters=report.dead_letters)

    async def _serve(self, kernel: Kernel, engine: Engine) -> None:
        async def accept(arrived: ArrivedModel) -> None:
            await engine.accept(arrived)
            self._report.model_serving(arrived)

        async def reject(rejected: RejectedRecord, name: str) -> None:
            await kernel.sink.dead_letter(rejected)
            served = [state.served for state in engine.states() if state.data_type == rejected.data_type]
            self._report.model_rejected(rejected, name, next((each.name for each in served if each), None))

        feed = ModelFeed(self._settings, lambda: kernel.broker.models_topic_id, engine.models_from, accept, reject)
        watch = kernel.broker.watch(engine.data_topic_recreated, feed.topic_recreated)
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(each) for each in (feed.run(), watch, self._tick())]
            await until(feed.caught_up.wait(), self._stop)
            gc.freeze()
            if not self._stop.is_set():
                self._health.ready = True
                await until(engine.serve(), self._stop, grace_s=STOP_TIMEOUT_S)
            for task in beside:
                task.cancel()

    @contextlib.asynccontextmanager
    async def _http(self, engine: E, listening: socket) -> AsyncIterator[None]:
        names = [self._settings.host, str(URL(self._settings.url(self._port)).host)]
        app = application(self._variant, engine, self._report, self._health, self._settings.token, names)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(HttpServer(app).serve_until_cancelled(listening))
            log.info(
                "server_started",
                variant=self._variant.name,
                url=f"http://{in_url(self._settings.host)}:{self._port}/",
                queryable=self._variant.guarantees.queryable,
            )
            yield
            serving.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._report.tick()

    def _stop_on(self, number: int) -> None:
        if not self._stop.is_set():
            log.info("stopping", reason=signal.Signals(number).name)
            asyncio.get_running_loop().call_later(LEAVE_S, _leave)
        self._stop.set()

    def _broker_changed(self, connected: bool) -> None:
        self._health.broker = connected
        self._report.metrics.broker_connected.set(connected)


def _leave() -> None:
    """The last resort, when a library does not let go: what was not committed will be read again."""
    log.warning("stop_cut_short", after_s=LEAVE_S)
    sys.stdout.flush()
    os._exit(0)


async def until(work: Coroutine[Any, Any, object], stop: asyncio.Event, grace_s: float = 0.0) -> None:
    """Run ``work`` to its end; once ``stop`` is set it has ``grace_s`` left, then it is cancelled.

    What it raises is raised here. Nothing is lost by the cancelling: what was not committed will be read again.
    """
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait([task], timeout=grace_s)
        if not task.done() and grace_s:
            log.warning("stop_timed_out", after_s=grace_s)
        if task.done():
            task.result()
    finally:
        await _cancelled(task, stopping)


def first_of(group: BaseExceptionGroup[T], _kind: type[T]) -> T:
    """The first error in a group, however deep."""
    inner = group.exceptions[0]
    return first_of(inner, _kind) if isinstance(inner, BaseExceptionGroup) else inner


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
