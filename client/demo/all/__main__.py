"""All five side by side: ``python -m client.demo.all`` starts Kafka, the provider and every server.

They read the same records and the same models, each in its own consumer group, and all write to the same scores topic;
the demo asks each server what it does. Keys and buttons ``kill -9`` one of them, wipe its disk or empty the model topic
besides, and start it again: each cell of the survival table, live.
"""

import asyncio
import threading
import time
from collections.abc import Sequence

from rich.console import Console

from client.broker.jars import kafka_jars
from client.broker.plan import HOST
from client.demo.all.columns import Column, Moment
from client.demo.all.columns_view import ColumnsView
from client.demo.all.columns_words import ColumnLines
from client.demo.all.keys import Commands
from client.demo.all.models import WatchedModels
from client.demo.all.page import application
from client.demo.all.servers import Server
from client.demo.children import Child, environment_of_children
from client.demo.circumstances import ModelTopic
from client.demo.display import display_for, working
from client.demo.errors import NotAllScored
from client.demo.one.one_server import GRACE_S, READY_S
from client.demo.readiness import check_demo_port, has_topics
from client.demo.settings import AllSettings
from client.terminal.command import command
from client.terminal.keys import keys_of_terminal
from client.terminal.stop_signals import stop_on_signals
from serving.ending import first_of
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
        self._settings = settings
        self._console = console
        check_demo_port(settings.port, "--port", target=TARGET)
        for port in (settings.http_port, *settings.ports.values()):
            check_demo_port(port, "--http-port", settings.http_port + 100, TARGET)
        directory = settings.directory()
        self._provider = Child(
            "provider", settings.provider_command(directory / "broker"), directory / "provider.log", GRACE_S
        )
        self._environment = environment_of_children()
        topic = ModelTopic(settings.bootstrap_servers, settings.topics.models)
        self._models = WatchedModels(topic, settings.model_interval)
        self._servers = [
            Server(
                number=number,
                url=f"http://{HOST}:{port}/",
                child=Child(variant, settings.server_command(variant, port), directory / f"{variant}.log", GRACE_S),
                environment=self._environment,
                state=settings.state_of(variant),
                models=self._models,
            )
            for number, (variant, port) in enumerate(settings.ports.items(), 1)
        ]
        self._commands = Commands()
        self._ends_s: float | None = None

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
        settings = self._settings
        names = settings.topics.layout(1).keys()
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
                page = HttpServer(application(self._servers, self._models, self._left_s))
                endless = [
                    tasks.create_task(page.serve_until_cancelled(listening)),
                    tasks.create_task(self._models.watch()),
                ]
                for server in self._servers:
                    await server.start()
                    endless.append(tasks.create_task(server.watch()))
                next_s = 0.0
                while not stop.is_set() and self._left_s() != 0:
                    self._provider.check()
                    self._obey(keys.pressed(), tasks, stop)
                    if time.monotonic() >= next_s:
                        display.show(self._moment(), self._left_s())
                        next_s = time.monotonic() + display.interval_s
                    await asyncio.sleep(TICK_S)
                for task in endless:
                    task.cancel()
            return self._columns()

    def _obey(self, keys: str, tasks: asyncio.TaskGroup, stop: threading.Event) -> None:
        for wanted in self._commands.read(keys):
            if wanted == "end":
                stop.set()
                continue
            for server in self._servers:
                if server.number == wanted.number:
                    tasks.create_task(server.kill_and_start(wanted.circumstance))

    def _moment(self) -> Moment:
        return Moment(self._columns(), self._models.models(), self._commands.armed)

    def _columns(self) -> list[Column]:
        return [server.column() for server in self._servers]

    def _left_s(self) -> float | None:
        return None if self._ends_s is None else max(0.0, self._ends_s - time.monotonic())

    def judge(self, columns: Sequence[Column]) -> None:
        """Check that in a demo that ran its time every server did its part.

        Raises:
            NotAllScored: one neither scored nor, where its guarantees allow it, skipped.
        """
        assert self._settings.seconds is not None
        silent = [server for server, column in zip(self._servers, columns, strict=True) if not column.did_its_part]
        if silent:
            last_lines = {server.name: server.child.last_lines() for server in silent}
            raise NotAllScored(self._settings.seconds, last_lines)


def run(settings: AllSettings) -> None:
    """Run the demo to its end.

    Raises:
        ServingError: what went wrong; by then everything has stopped.
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


@command()
def main() -> None:
    """Read the flags and run; exit code 0, or 1 after a line that names the error and its remedy."""
    run(AllSettings.read("python -m client.demo.all"))


if __name__ == "__main__":
    main()
