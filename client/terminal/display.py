"""What a client shows while it runs: a small live panel on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_S = 10.0
REDRAW_EVERY_S = 0.25
MAX_PANEL_CHARACTERS = 100  # characters


class Display(Protocol):
    """Shows what happens; a context manager, so that the terminal is restored."""

    def write(self, text: str) -> None:
        """Put out lines of the program's own output."""
        ...

    def log(self, text: str) -> None:
        """Log one line about the program itself, with the time of day."""
        ...

    def show(self, rows: Mapping[str, str], plain: str) -> None:
        """Show the current state; may be called at any rate.

        Args:
            rows: for the panel: a word and its text.
            plain: the same in one line, printed every ten seconds where there is no panel.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def display(title: str, beside_output: TextIO | None = None) -> Display:
    """The display that suits standard output.

    Args:
        title: of the panel.
        beside_output: where ``log`` and ``show`` write if there is no terminal; None means standard output.
    """
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(title, console)
    return PlainDisplay(sys.stdout if beside_output is None else beside_output)


class PlainDisplay:
    """Lines, and the state every ten seconds."""

    def __init__(self, beside_output: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        """``clock_s`` decides when ``show`` prints the state again."""
        self._beside_output = beside_output
        self._clock_s = clock_s
        self._next_s = clock_s() + PLAIN_EVERY_S

    def write(self, text: str) -> None:
        """See ``Display.write``."""
        print(text, flush=True)

    def log(self, text: str) -> None:
        """See ``Display.log``."""
        print(_timed(text), file=self._beside_output, flush=True)

    def show(self, rows: Mapping[str, str], plain: str) -> None:  # noqa: ARG002 - there is no panel
        """See ``Display.show``."""
        if self._clock_s() >= self._next_s:
            self._next_s = self._clock_s() + PLAIN_EVERY_S
            self.log(plain)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class LiveDisplay:
    """A panel at the bottom of the terminal, lines above it; at the end only the lines stay."""

    def __init__(self, title: str, console: Console) -> None:
        """Nothing is drawn before the first ``show``."""
        self._title = title
        # Without a thread of its own: the caller of show decides when.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn_s: float | None = None

    def write(self, text: str) -> None:
        """See ``Display.write``."""
        self._live.console.print(Text(text), soft_wrap=True)

    def log(self, text: str) -> None:
        """See ``Display.log``."""
        self.write(_timed(text))

    def show(self, rows: Mapping[str, str], plain: str) -> None:  # noqa: ARG002 - the panel says it all
        """See ``Display.show``."""
        now_s = time.monotonic()
        if self._drawn_s is not None and now_s - self._drawn_s < REDRAW_EVERY_S:
            return
        self._drawn_s = now_s
        # Not the whole width: the ^C that a terminal echoes would begin a new line, and rich would not know.
        width = min(MAX_PANEL_CHARACTERS, self._live.console.width) - len("^C")
        first = max(map(len, rows))
        grid = Table.grid(padding=(0, 2))
        for word, text in rows.items():
            cut = Text(text)
            cut.truncate(max(1, width - len("│   │") - first), overflow="ellipsis")
            grid.add_row(Text(word.ljust(first), style="bold"), cut)
        self._live.update(Panel(grid, title=self._title, title_align="left", width=width), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _timed(text: str) -> str:
    return f"{time.strftime('%H:%M:%S')} {text}"
