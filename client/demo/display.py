"""Where the demo shows itself: a live view on a terminal, lines elsewhere."""

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live

from client.terminal.printable import duration, printable, rate
from serving.telemetry.live_snapshot import LiveSnapshot

Shown = TypeVar("Shown", contravariant=True)


class View(Protocol[Shown]):
    """Draws what a demo shows at one moment."""

    def picture(self, shown: Shown, ending: str, rows: int, /) -> RenderableType:
        """The whole screen, of ``rows`` rows; ``ending`` is how the demo will end."""
        ...


class Display(Protocol[Shown]):
    """Shows a demo while it runs."""

    interval_s: float
    """How often ``show`` is to be called."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def show(self, shown: Shown, left_s: float | None, /) -> None:
        """Show this moment; ``left_s`` until the demo ends by itself, None if it does not."""
        ...


class TerminalDisplay(Generic[Shown]):
    """Draws over the whole terminal, and gives it back as it was."""

    interval_s = 0.25

    def __init__(self, console: Console, view: View[Shown]) -> None:
        """Draw there what the view makes of each moment."""
        self._console = console
        self._view = view
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A terminal that has grown meanwhile (tmux) would leave parts of the picture on the ordinary screen.
        self._console.control(Control.home(), Control.clear())
        self._live.stop()

    def show(self, shown: Shown, left_s: float | None) -> None:
        """Draw it; a resized terminal is filled."""
        ending = "Ctrl-C stops" if left_s is None else f"{max(0.0, left_s):.0f} s left"
        self._live.update(self._view.picture(shown, ending, self._console.size.height), refresh=True)


class LineDisplay:
    """Prints a line per second, and one per swap."""

    interval_s = 1.0

    def __init__(self, console: Console) -> None:
        """Print there."""
        self._console = console
        self._swaps = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def show(self, snapshot: LiveSnapshot, left_s: float | None) -> None:  # noqa: ARG002 - lines need no countdown
        """Print what happened since the last call."""
        new = snapshot.swap_count - self._swaps
        for swap in reversed(snapshot.swaps[:new]):
            self._print(f"swap: {swap.from_model} -> {swap.to_model}")
        self._swaps = snapshot.swap_count
        if not snapshot.models:
            self._print("no score yet")
            return
        last = snapshot.last_scores[0]
        self._print(
            f"{rate(snapshot.records_per_s):>7} records/s  p50 {duration(snapshot.p50_ms):>7}"
            f"  p99 {duration(snapshot.p99_ms):>7}  {snapshot.models[0].name}  {last.record_id}: {last.value:.2f}"
        )

    def _print(self, line: str) -> None:
        self._console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def display_for(console: Console, view: View[Shown], lines: Display[Shown]) -> Display[Shown]:
    """A live view where there is a terminal that can show one, else the lines."""
    if console.is_terminal and not console.is_dumb_terminal:
        return TerminalDisplay(console, view)
    return lines


def working(console: Console, what: str) -> AbstractContextManager[object]:
    """Show that something takes a while: a spinner on a terminal, a line elsewhere."""
    if console.is_terminal and not console.is_dumb_terminal:
        return console.status(what)
    console.print(what, markup=False, highlight=False, soft_wrap=True)
    return nullcontext()
