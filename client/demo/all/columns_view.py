"""The terminal's picture of all servers: five columns, or five rows where there is no room for columns."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from client.demo.all.columns import Column, Moment
from client.demo.all.columns_words import LABELS, Cell, Verdict, cells, kill_words, models_words, phase_words
from client.demo.charts import Curve
from client.demo.circumstances import Circumstance
from client.demo.one.view import ACCENT, ModelColours, grid
from client.terminal.printable import age, duration, printable, rate

PHASE_STYLES = {"serving": "bold green", "starting": "bold yellow", "skipping": "bold yellow"}
GONE_STYLE = "bold white on red"
VERDICT_STYLES: Mapping[Verdict, str] = MappingProxyType(
    {"untried": "dim", "pending": "bold yellow", "kept": "bold green", "broken": "bold red", "undecided": "yellow"}
)
VERDICT_SIGNS: Mapping[Verdict, str] = MappingProxyType(
    {"untried": " ", "pending": "…", "kept": "✓", "broken": "✗", "undecided": "?"}
)
SIGN = {True: "✓", False: "✗", None: "-"}
SHORT_LABELS: Mapping[Circumstance, str] = MappingProxyType(
    {"killed": "kill -9", "disk_wiped": "+ disk", "model_topic_emptied": "+ topic"}
)
TITLE = " all servers "
COLUMNS_WIDTH, COLUMNS_HEIGHT = 115, 42  # what five columns need; a name has 19 cells
WIDE = 135  # from here on a column has room for ``LABELS``
TOP_ROWS = 16  # of a column, above its cells of the survival table
ROOMY_ROWS = 30
KEYS = " 1 to 5: kill -9 and start again · d1 to d5: + wipe its disk · t1 to t5: + empty the model topic · q: end "
SHORT_KEYS = " 1-5: kill -9 · d then 1-5: + wipe disk · t then 1-5: + empty topic · q: end "
LEGEND = "✓ survives  ✗ is lost: the model, then the counters. In colour: seen by you."


class ColumnsView:
    """Draws all servers; a model has the same colour in all of them."""

    def __init__(self, url: str, epoch_s: Callable[[], float] = time.time) -> None:
        """Show where the page is; ``epoch_s`` is compared with the times at which models became active."""
        self.url = url
        self.epoch_s = epoch_s
        self.colours = ModelColours()

    def picture(self, moment: Moment, ending: str, rows: int) -> RenderableType:
        """The whole screen, of ``rows`` rows; ``ending`` is how the demo will end."""
        return _Picture(self, moment, ending, rows)


@dataclass(frozen=True, slots=True)
class _Picture:
    view: ColumnsView
    moment: Moment
    ending: str
    rows: int

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        whole, body = Layout(), Layout()
        if options.max_width >= COLUMNS_WIDTH and self.rows >= COLUMNS_HEIGHT:
            labels = LABELS if options.max_width >= WIDE else SHORT_LABELS
            body.split_row(*(Layout(self._column(each, labels)) for each in self.moment.columns))
        else:
            height = 5 if self.rows >= ROOMY_ROWS else 4
            legend = Text(LEGEND, "dim", no_wrap=True, overflow="ellipsis", justify="center")
            body.split_column(*(Layout(self._row(each), size=height) for each in self.moment.columns), Layout(legend))
        footer = Layout(self._footer(options.max_width), size=1)
        whole.split_column(Layout(self._header(options.max_width), size=1), body, footer)
        yield whole

    def _header(self, width: int) -> RenderableType:
        line = grid(None, 1, None)
        line.columns[1].justify = "center"
        address = Text(self.view.url, f"underline link {self.view.url}")
        middle = " · ".join(filter(None, (models_words(self.moment.models), self.ending)))
        if len(TITLE) + len(middle) + len(self.view.url) + 2 > width:
            middle = models_words(self.moment.models)  # more urgent than when the demo ends
        line.add_row(Text(TITLE, "bold reverse"), Text(middle, "bold" if self.moment.models.empty else "dim"), address)
        return line

    def _footer(self, width: int) -> RenderableType:
        if self.moment.armed is None:
            return Text(KEYS if len(KEYS) <= width else SHORT_KEYS, "reverse", no_wrap=True)
        asked = f" kill -9 {LABELS[self.moment.armed]}: which server, 1 to 5? Any other key: none "
        return Text(asked, "bold white on red", no_wrap=True)

    def _column(self, column: Column, labels: Mapping[Circumstance, str]) -> RenderableType:
        content = Layout()
        tried = (Layout(Group(*_cell_lines(cell, labels[cell.circumstance]))) for cell in cells(column))
        content.split_column(Layout(self._top(column), size=TOP_ROWS), *tried)
        return Panel(content, border_style="red" if _style(column) == GONE_STYLE else "dim")

    def _top(self, column: Column) -> RenderableType:
        counters = column.counters
        numbers = grid(1, None)
        numbers.columns[1].justify = "right"
        for label, value in (
            ("p50", duration(column.p50_ms)),
            ("p99", duration(column.p99_ms)),
            ("", ""),
            ("by this model", f"{counters.usage:,}"),
            ("skipped", f"{counters.skipped:,}"),
            ("dead letters", f"{counters.dead_letters:,}"),
        ):
            numbers.add_row(Text(label, "dim"), Text(value, "bold"))
        return Group(
            Text(column.name, "bold"),
            Text.assemble(self._key(column), " ", (phase_words(column), _style(column))),
            Text(),
            self._model(column),
            Text(self._facts(column), "dim", no_wrap=True, overflow="ellipsis"),
            Text(),
            Text.assemble((rate(column.records_per_s), "bold"), (" records/s", "dim")),
            Curve(column.per_second, ACCENT),
            Text(),
            numbers,
        )

    def _row(self, column: Column) -> RenderableType:
        counters = column.counters
        first = Table.grid(padding=(0, 1), expand=True)
        second = grid(1, None)
        for width in (24, None, 9, 12, 12):
            first.add_column(width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
        for each in first.columns[2:]:
            each.justify = "right"
        first.add_row(
            Text.assemble(self._key(column), " ", (column.name, "bold")),
            Text(phase_words(column), _style(column)),
            Text.assemble((rate(column.records_per_s), "bold"), ("/s", "dim")),
            Text.assemble(("p50 ", "dim"), duration(column.p50_ms)),
            Text.assemble(("p99 ", "dim"), duration(column.p99_ms)),
        )
        counted = Text.assemble(
            ("by this model ", "dim"),
            f"{counters.usage:,}",
            ("  skipped ", "dim"),
            f"{counters.skipped:,}",
            ("  dead letters ", "dim"),
            f"{counters.dead_letters:,}",
        )
        second.add_row(Text.assemble("    ", self._model(column)), counted)
        signs = Text(no_wrap=True, overflow="ellipsis").append("    survives  ", "dim")
        for cell in cells(column):
            promised = f"{SIGN[cell.model_survives]}{SIGN[cell.counters_survive]}   "
            signs.append(f"{SHORT_LABELS[cell.circumstance]} ", "dim").append(promised, VERDICT_STYLES[cell.verdict])
        killed = Text("    " + " · ".join(kill_words(column)), no_wrap=True, overflow="ellipsis")
        return Group(first, second, signs, killed)

    def _key(self, column: Column) -> Text:
        return Text(f" {column.number} ", "reverse")

    def _model(self, column: Column) -> Text:
        name = column.counters.model
        if name is None:
            return Text("no model", "dim", no_wrap=True)
        named = self.view.colours.named(name, "bold")
        named.no_wrap = True
        named.overflow = "ellipsis"
        return named

    def _facts(self, column: Column) -> str:
        counters = column.counters
        if column.phase == "ended":
            return printable(column.last_words)
        if counters.since_ms is None:
            return "until one comes" if column.phase == "skipping" else ""
        since = age(max(0.0, self.view.epoch_s() - counters.since_ms / 1000))
        return printable(f"{counters.model_type} · for {since}")


def _cell_lines(cell: Cell, label: str) -> Iterator[Text]:
    style = VERDICT_STYLES[cell.verdict]
    yield Text()
    yield Text(label, "bold reverse" if cell.verdict == "pending" else "bold")
    yield Text(cell.model, "dim" if cell.verdict == "untried" else "")
    yield Text(cell.counters, "dim" if cell.verdict == "untried" else "")
    for at, line in enumerate(cell.seen or ("not tried yet",)):
        yield Text(line if at or not cell.seen else f"{VERDICT_SIGNS[cell.verdict]} {line}", style, no_wrap=True)


def _style(column: Column) -> str:
    return PHASE_STYLES.get(column.phase, GONE_STYLE)
