"""From ``python -m VARIANT.server`` to exit: start in order, serve, and stop without losing anything."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Coroutine
from socket import socket
from typing import Any, NoReturn

import structlog
from yarl import URL

from model import scratch
from model.errors import ServingError
from serving.ending import Ending
from serving.engine import ArrivedModel, Engine
from serving.kafka.broker import Broker
from serving.kafka.sink import Sink
from serving.kernel import Kernel, Variant
from serving.models.feed import ModelFeed
from serving.scoring.records import RejectedRecord
from serving.settings.server import Settings
from serving.telemetry import logs
from serving.telemetry.health import Health
from serving.telemetry.report import Report
from serving.web.api import application
from serving.web.server import HttpServer, listen

log: structlog.stdlib.BoundLogger = structlog.get_logger()

STOP_TIMEOUT_S = 5.0  # for what is in flight; closing the clients takes up to four more
TICK_S = 1.0
SMALL_OBJECTS = 50_000
"""Objects that a batch makes; they live for milliseconds and are in no cycle. By default the garbage collector runs
every 700 new objects, which took 0.4 of all time, and looks through the libraries' objects, too, which stay."""


def run(variant: Variant) -> NoReturn:
    """Run a variant's server until SIGINT or SIGTERM; the process then exits 0, after an error 1, on bad flags 2."""
    gc.set_threshold(SMALL_OBJECTS, *gc.get_threshold()[1:])
    scratch.sweep()
    ending = Ending()
    try:
        settings = variant.settings.read(f"python -m {variant.name}.server")
        logs.configure(settings)
        if settings.pmml_engine == "jpmml":
            _fetch_jpmml()
    except ServingError as error:
        ending.leave(error)
    except KeyboardInterrupt:
        ending.leave()
    runner = asyncio.Runner()  # never closed: that would wait until the default executor's threads have come to an end
    try:
        runner.run(_Server(variant, settings, ending).run())
    except KeyboardInterrupt:  # before the signals are ours
        ending.leave()
    except BaseException as error:  # noqa: BLE001 - a stray SystemExit or CancelledError, too, is an end that nobody has asked for
        ending.leave(error)
    ending.leave()


def _fetch_jpmml() -> None:
    from model.formats.pmml.jpmml_jars import JPMML, LICENCE, jpmml_jars  # a server without this engine never loads jgo

    log.warning("pmml_engine", engine=JPMML, licence=LICENCE)
    jpmml_jars()


class _Server:
    def __init__(self, variant: Variant, settings: Settings, ending: Ending) -> None:
        self._variant = variant
        self._settings = settings
        self._ending = ending
        self._port = settings.port or variant.default_port
        self._health = Health()
        self._report = Report()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_on, number)
            # The event loop is woken up all the same; and if it stands still, the countdown has begun.
            signal.signal(number, lambda *_: self._ending.begin())
        with listen(self._settings.host, self._port) as listening:
            async with contextlib.AsyncExitStack() as closing:
                await self._watched(self._run(closing, listening))
        report = self._report
        log.info("server_stopped", scored=report.scored, skipped=report.skipped, dead_letters=report.dead_letters)

    async def _run(self, closing: contextlib.AsyncExitStack, listening: socket) -> None:
        broker = Broker(self._settings, self._broker_changed)
        closing.push_async_callback(broker.close)
        sink = Sink(self._settings, self._variant.name, broker)
        closing.push_async_callback(sink.close)
        kernel = Kernel(
            self._variant.name, self._port, self._settings, sink, broker, self._report, self._stop, self._health
        )
        engine = self._variant.build(kernel)
        closing.push_async_callback(engine.close)
        async with self._http(engine, listening):
            await self._watched(self._start_and_serve(kernel, engine))

    async def _start_and_serve(self, kernel: Kernel, engine: Engine) -> None:
        await until(kernel.broker.wait_for_topics(), self._stop)
        if not self._stop.is_set():
            self._broker_changed(True)
            await until(kernel.sink.start(), self._stop)
        if not self._stop.is_set():
            await until(engine.start(), self._stop)
        if not self._stop.is_set():
            await self._serve(kernel, engine)

    async def _serve(self, kernel: Kernel, engine: Engine) -> None:
        async def accept(arrived: ArrivedModel) -> None:
            self._report.model_accepted(arrived, activated=await engine.accept(arrived))

        async def reject(rejected: RejectedRecord, name: str) -> None:
            await kernel.sink.dead_letter(rejected)
            served = [state.model for state in engine.states() if state.data_type == rejected.data_type]
            self._report.model_rejected(rejected, name, next((each.name for each in served if each), None))

        feed = ModelFeed(self._settings, lambda: kernel.broker.models_topic_id, engine.models_from, accept, reject)
        watch = kernel.broker.watch(engine.data_topic_recreated, feed.topic_recreated)
        membership = self._watch_membership(kernel, engine)
        async with asyncio.TaskGroup() as tasks:
            concurrent = [
                tasks.create_task(self._endless(each)) for each in (feed.run(), watch, self._tick(), membership)
            ]
            await until(feed.caught_up.wait(), self._stop)
            gc.freeze()
            if not self._stop.is_set():
                self._health.caught_up = True
                await until(self._endless(engine.run()), self._stop, grace_s=STOP_TIMEOUT_S)
            for task in concurrent:
                task.cancel()

    @contextlib.asynccontextmanager
    async def _http(self, engine: Engine, listening: socket) -> AsyncIterator[None]:
        url = self._settings.url(self._port)
        names = [self._settings.host, str(URL(url).host)]
        app = application(self._variant, engine, self._report, self._health, self._settings.token, names)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._endless(HttpServer(app).serve_until_cancelled(listening)))
            log.info(
                "server_started",
                variant=self._variant.name,
                url=f"{url}/",
                queryable=self._variant.guarantees.queryable,
            )
            yield
            serving.cancel()

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        """Do a piece of work; an error in it begins the process's end at once, before any clean-up."""
        with self._ending.begun_by_errors():
            await work

    async def _endless(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that ends by a stop, or by being cancelled; a server without it must not live on as if it served."""
        with self._ending.begun_by_errors():
            await work
            if not self._stop.is_set():
                raise RuntimeError(f"{getattr(work, '__qualname__', work)} came to an end by itself")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._report.tick()

    async def _watch_membership(self, kernel: Kernel, engine: Engine) -> None:
        while True:
            assigned = engine.assigned()
            should_ask = assigned is not None and not assigned
            self._health.members = await kernel.broker.members(kernel.group) if should_ask else None
            self._health.partitions = kernel.broker.data_partitions_now
            await asyncio.sleep(TICK_S)

    def _stop_on(self, number: int) -> None:
        if not self._stop.is_set():
            log.info("stopping", reason=signal.Signals(number).name)
        self._health.stopping = True
        self._stop.set()

    def _broker_changed(self, connected: bool) -> None:
        self._health.broker = connected
        self._report.metrics.broker_connected.set(connected)


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


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
