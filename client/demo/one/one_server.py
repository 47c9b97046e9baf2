"""Everything at once: ``python -m client.demo`` starts Kafka, the provider and one server, and shows what they do.

The provider and the server are the programs that the README starts by hand; the demo reads the scores as any consumer
would. Ctrl-C ends all of them in order, and so does the end of the demo, even by ``kill -9``.
"""

import threading
import time

from rich.console import Console

from client.broker.jars import kafka_jars
from client.broker.plan import HOST
from client.demo.children import Child, environment_of_children
from client.demo.display import LineDisplay, display_for, working
from client.demo.errors import TooFewModels
from client.demo.one.scores import ScoreReader, Summary
from client.demo.one.view import DemoView
from client.demo.readiness import check_demo_port, has_topics, is_healthy
from client.demo.settings import DemoSettings
from client.terminal.command import command
from client.terminal.printable import duration, printable
from client.terminal.stop_signals import stop_on_signals

GRACE_S = 4.0
READY_S = 90.0
READ_S = 0.1
MODELS_TO_SEE = 2


class Demo:
    """One run of it, from start to stop."""

    def __init__(self, settings: DemoSettings, console: Console) -> None:
        """Prepare a place for the logs; nothing is started.

        Raises:
            UnknownVariant: there is no such server.
            DemoPortInUse, PortForbidden: a port that is needed cannot be had.
            DataDirectoryUnusable: the place cannot be written.
        """
        self._settings = settings
        self._console = console
        check_demo_port(settings.page_port, "--http-port")
        check_demo_port(settings.port, "--port")
        directory = settings.directory()
        self._provider = Child(
            "provider", settings.provider_command(directory / "broker"), directory / "provider.log", GRACE_S
        )
        self._server = Child(
            "server",
            settings.server_command(settings.variant, settings.page_port),
            directory / "server.log",
            GRACE_S,
        )

    def run(self, stop: threading.Event) -> Summary | None:
        """Start everything, show it until ``stop`` or the end of its time, stop everything.

        Returns:
            what was scored; None if ``stop`` came before the server was ready.
        Raises:
            ChildEnded, ChildNotReady: one of the processes did not do what it should.
        """
        try:
            if not self._start(stop):
                return None
            return self._show(stop)
        finally:
            self._stop()

    def _start(self, stop: threading.Event) -> bool:
        settings = self._settings
        names = settings.topics.layout(1).keys()
        environment = environment_of_children()
        with working(self._console, "Starting Kafka and the provider"):
            self._provider.start(environment)
            there = self._provider.wait_until(
                lambda: has_topics(settings.bootstrap_servers, names), READY_S, stop.is_set
            )
        if not there:
            return False
        with working(self._console, f"Starting {settings.variant}.server"):
            self._server.start(environment)
            return self._server.wait_until(lambda: is_healthy(HOST, settings.page_port), READY_S, stop.is_set)

    def _show(self, stop: threading.Event) -> Summary:
        settings = self._settings
        started_s = time.monotonic()
        next_s = started_s
        view = DemoView(settings.variant, settings.page)
        with (
            ScoreReader(settings.bootstrap_servers, settings.topics.scores) as scores,
            display_for(self._console, view, LineDisplay(self._console)) as display,
        ):
            while not stop.is_set():
                self._provider.check()
                self._server.check()
                scores.read(READ_S)
                now_s = time.monotonic()
                left_s = None if settings.seconds is None else started_s + settings.seconds - now_s
                over = left_s is not None and left_s <= 0
                if over or now_s >= next_s:
                    display.show(scores.view.snapshot(now_s), left_s)
                    next_s = now_s + display.interval_s
                if over:
                    break
            return scores.summary()

    def _stop(self) -> None:
        with working(self._console, "Stopping the server, the provider and Kafka"):
            for child in (self._server, self._provider):
                child.stop()

    def judge(self, summary: Summary) -> None:
        """Check that a demo that ran its time showed a change of models.

        Raises:
            TooFewModels: it did not.
        """
        assert self._settings.seconds is not None
        if len(summary.models) < MODELS_TO_SEE:
            last_lines = {child.name: child.last_lines() for child in (self._provider, self._server)}
            raise TooFewModels(summary.records, summary.models, self._settings.seconds, last_lines)


def summary_lines(summary: Summary) -> list[str]:
    """What a demo leaves on the terminal."""
    models = ", ".join(printable(name) for name in summary.models) or "none"
    number = f"{len(summary.models)} and more" if summary.further_models else str(len(summary.models))
    return [
        f"scored   {summary.records:,} records",
        f"models   {number}: {models}",
        f"swaps    {summary.swaps}",
        f"latency  p50 {duration(summary.p50_ms)}, p99 {duration(summary.p99_ms)} end to end",
    ]


def run(settings: DemoSettings) -> None:
    """Run the demo to its end.

    Raises:
        ServingError: what went wrong; by then everything has stopped.
    """
    console = Console()
    demo = Demo(settings, console)
    kafka_jars()  # here, where its progress is seen, and not in the provider
    stop = threading.Event()
    with stop_on_signals(stop):
        summary = demo.run(stop)
    if summary is not None:
        console.print("\n".join(summary_lines(summary)), markup=False, highlight=False, soft_wrap=True)
        if settings.seconds is not None and not stop.is_set():
            demo.judge(summary)


@command()
def main() -> None:
    """Read the flags and run; exit code 0, or 1 after a line that names the error and its remedy."""
    run(DemoSettings.read("python -m client.demo"))
