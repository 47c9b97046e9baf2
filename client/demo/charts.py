"""Bars and curves made of characters, in any size."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from serving.telemetry.live_snapshot import LiveHistogram

SPARKS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉"
ALWAYS_SHOWN = range(6, 17)
"""The bins from 3 to 8.5. Source: Cortez et al. 2009 (the red wines have qualities from 3 to 8)."""
LABEL_CELLS, PERCENT_CELLS = 5, 5


@dataclass(frozen=True, slots=True)
class Histogram:
    """A bar per bin, one below the other; per 2, 4, ... bins where there are too few rows."""

    histogram: LiveHistogram
    style: str

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """One line or more per bin: its lower edge, a bar, its share of all scores."""
        counts = self.histogram.counts
        edges = self.histogram.edges
        rows = options.height or len(ALWAYS_SHOWN)
        shown = [*ALWAYS_SHOWN, *(bin_ for bin_, count in enumerate(counts) if count)]
        first, last, width = min(shown), max(shown) + 1, 1
        while last - first > rows * width:
            width *= 2
            first -= first % width
        bins = [(edges[at], sum(counts[at : at + width])) for at in range(first, last, width)]
        total = sum(counts) + self.histogram.below + self.histogram.above
        most = max(count for _, count in bins)
        cells = max(1, options.max_width - LABEL_CELLS - PERCENT_CELLS)
        for edge, count in bins:
            bar = bar_of(cells, count / most) if most else ""
            share = f" {100 * count / total:.0f}%" if count else ""
            yield Text.assemble((f"{edge:4.1f} ", "dim"), (bar, self.style), (share, "dim"))
            for _ in range(rows // len(bins) - 1):
                yield Text.assemble(" " * LABEL_CELLS, (bar, self.style))


def bar_of(cells: int, share: float) -> str:
    """A bar of ``share`` times ``cells``, to an eighth of a cell; a share above 0 gets at least an eighth."""
    eighths = max(round(cells * share * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


@dataclass(frozen=True, slots=True)
class Curve:
    """The last of these numbers, as many as there are cells, each a block of its height."""

    numbers: Sequence[int]
    style: str

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """One line."""
        shown = self.numbers[-options.max_width :]
        most = max(shown, default=0) or 1
        yield Text("".join(SPARKS[round(number / most * (len(SPARKS) - 1))] for number in shown), self.style)
