"""All five beside each other: ``python -m client.demo.all`` starts Kafka, the provider and every server.

They read the same records and the same models, each in its own consumer group, and all write to the same scores topic;
what each of them does is asked of itself. Keys and buttons ``kill -9`` one of them and start it again, so that one
sees what survives.
"""

import asyncio
import threading
import time
from collections.abc import Sequence

from rich.console import Console

from client.broker.jars import kafka_jars
from client.broker.plan import HOST
from client.demo.all.columns import Column
from client.demo.all.columns_view import ColumnsView
from client.demo.all.columns_words import ColumnLines
from client.demo.all.keys import keys_of_terminal
from client.demo.all.page import application
from client.demo.all.servers import Server
from client.demo.children import Child, environment_of_children
from client.demo.display import display_for, working
from client.demo.errors import NotAllScored
from client.demo.one.one_server import GRACE_S, READY_S
from client.demo.readiness import check_demo_port, has_topics
from client.demo.settings import AllSettings
from client.terminal.stop_signals import interruptible, stop_on_signals
from model.errors import ServingError
from serving.ending import first_of
from serving.settings.command_line import stop_with
from serving.web.server import HttpServer, listen

TICK_S = 0.05
TARGET = "demo-all"


class AllServers:
    """One run of it, from start to stop."""

    def __init__(self, settings: AllSettings, console: Console) -> None:
        """Prepare a place for logs and states; nothing is started.

        Raises:
            DemoPortInUse, PortForbidden: a port that is needed cannot be had.
            DataDirectoryUnusable: the place cannot be written.
        """
        self._settings, self._console = settings, console
        check_demo_port(settings.port, "--port", target=TARGET)
        for port in (settings.http_port, *settings.ports.values()):
            check_demo_port(port, "--http-port", settings.http_port + 100, TARGET)
        directory = settings.directory()
        self._provider = Child(
            "provider", settings.provider_command(directory / "broker"), directory / "provider.log", GRACE_S
        )
        self._environment = environment_of_children()
        self._servers = [
            Server(number, f"http://{HOST}:{port}/", self._child(variant, port), self._environment)
            for number, (variant, port) in enumerate(settings.ports.items(), 1)
        ]
        self._ends_s: float | None = None

    def _child(self, variant: str, port: int) -> Child:
        directory = self._settings.data_dir / str(self._settings.port)
        return Child(
            variant, self._settings.server_command(variant, port, directory), directory / f"{variant}.log", GRACE_S
        )

    async def run(self, stop: threading.Event) -> list[Column]:
        """Start everything, show it until ``stop``, ``q`` or the end of its time, stop everything.

        Returns:
            the last moment of each server; empty if ``stop`` came before Kafka was ready.
        Raises:
            ChildEnded, ChildNotReady: the provider did not do what it should.
        """
        try:
            if not await asyncio.to_thread(self._start_provider, stop):
                return []
            return await self._show(stop)
        except ExceptionGroup as group:
            raise first_of(group, Exception) from None
        finally:
            with working(self._console, "Stopping the servers, the provider and Kafka"):
                await asyncio.gather(*(server.stop() for server in self._servers))
                await asyncio.to_thread(self._provider.stop)

    def _start_provider(self, stop: threading.Event) -> bool:
        settings, names = self._settings, self._settings.topics.layout(1).keys()
        with working(self._console, "Starting Kafka and the provider"):
            self._provider.start(self._environment)
            return self._provider.wait_until(
                lambda: has_topics(settings.bootstrap_servers, names), READY_S, stop.is_set
            )

    async def _show(self, stop: threading.Event) -> list[Column]:
        settings = self._settings
        self._ends_s = None if settings.seconds is None else time.monotonic() + settings.seconds
        display = display_for(self._console, ColumnsView(settings.page), ColumnLines(self._console))
        with listen(HOST, settings.http_port) as listening, keys_of_terminal() as keys, display:
            async with asyncio.TaskGroup() as tasks:
                page = HttpServer(application(self._servers, self._left_s))
                beside = [tasks.create_task(page.serve_until_cancelled(listening))]
                for server in self._servers:
                    await server.start()
                    beside.append(tasks.create_task(server.watch()))
                next_s = 0.0
                while not stop.is_set() and self._left_s() != 0:
                    self._provider.check()
                    self._obey(keys.pressed(), tasks, stop)
                    if time.monotonic() >= next_s:
                        display.show(self._columns(), self._left_s())
                        next_s = time.monotonic() + display.interval_s
                    await asyncio.sleep(TICK_S)
                for task in beside:
                    task.cancel()
            return self._columns()

    def _obey(self, keys: str, tasks: asyncio.TaskGroup, stop: threading.Event) -> None:
        for key in keys:
            if key in "qQ":
                stop.set()
            for server in self._servers:
                if key == str(server.number):
                    tasks.create_task(server.kill_and_start())

    def _columns(self) -> list[Column]:
        return [server.column() for server in self._servers]

    def _left_s(self) -> float | None:
        return None if self._ends_s is None else max(0.0, self._ends_s - time.monotonic())

    def judge(self, columns: Sequence[Column]) -> None:
        """See that in a demo that ran its time every server did its part.

        Raises:
            NotAllScored: one neither scored nor skipped what it says it skips.
        """
        assert self._settings.seconds is not None
        silent = [server for server, column in zip(self._servers, columns, strict=True) if not column.did_its_part]
        if silent:
            said = {server.name: server.child.last_lines() for server in silent}
            raise NotAllScored(self._settings.seconds, said)


def run(settings: AllSettings) -> None:
    """Run the demo to its end.

    Raises:
        ServingError: what went wrong, when everything is stopped again.
    """
    console = Console()
    demo = AllServers(settings, console)
    kafka_jars()  # here, where its progress is seen, and not in the provider
    stop = threading.Event()
    with stop_on_signals(stop):
        columns = asyncio.run(demo.run(stop))
    if columns:
        ColumnLines(console).summarise(columns)
        if settings.seconds is not None and not stop.is_set():
            demo.judge(columns)


def main() -> None:
    """Read the flags, run, and end with 0, or with 1 and a line that says what went wrong."""
    try:
        with interruptible():
            run(AllSettings.read("python -m client.demo.all"))
    except ServingError as error:
        stop_with(error)


if __name__ == "__main__":
    main()
