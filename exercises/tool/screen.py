"""The terminal's screen: a head, a body that scrolls, and a foot; every line fits."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text


@dataclass
class Scroll:
    """Which part of the body is seen; the screen says how much there is when it draws."""

    top: int = 0
    rows: int = 1  # that are seen
    lines: int = 0  # that there are

    def move(self, lines: int) -> None:
        """Down, or up."""
        self.top = max(0, min(self.top + lines, self.lines - self.rows))

    def show(self, line: int) -> None:
        """Have this line seen, and one on either side of it."""
        self.top = max(0, min(self.top, line - 1), line + 2 - self.rows)

    @property
    def above(self) -> int:
        """How many lines are above what is seen."""
        return self.top

    @property
    def below(self) -> int:
        """How many lines are below it."""
        return max(0, self.lines - self.rows - self.top)


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture of the whole terminal."""

    head: RenderableType
    body: RenderableType
    foot: RenderableType
    scroll: Scroll
    rows: int  # of the terminal
    focus: int | None = None  # a line of the body that must be seen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        free = options.update(height=None)
        head, body, foot = (console.render_lines(each, free) for each in (self.head, self.body, self.foot))
        scroll = self.scroll
        scroll.lines = len(body)
        scroll.rows = max(1, self.rows - len(head) - len(foot) - 2)
        if self.focus is not None:
            scroll.show(self.focus)
        scroll.move(0)
        seen = body[scroll.top : scroll.top + scroll.rows]
        empty = [[Segment(" " * options.max_width)]] * (scroll.rows - len(seen))
        above, below = (
            console.render_lines(_rule(sign, count, options.max_width), free)
            for sign, count in (("↑", scroll.above), ("↓", scroll.below))
        )
        for number, line in enumerate([*head, *above, *seen, *empty, *below, *foot][: self.rows]):
            if number:
                yield Segment.line()
            yield from line


def _rule(sign: str, hidden: int, width: int) -> Text:
    told = f" {sign} {hidden} more {'line' if hidden == 1 else 'lines'}: arrows, space " if hidden else ""
    return Text("─" * (width - len(told) - 3) + told + "───", "dim", no_wrap=True, overflow="crop")
