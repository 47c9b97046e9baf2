"""The terminal's picture of all servers: five columns, or five rows where there is no room for columns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from client.demo.all.columns import Column
from client.demo.all.columns_words import SIGN, kill_words, phase_words, survivals
from client.demo.charts import Curve
from client.demo.one.view import ACCENT, ModelColours, grid
from client.terminal.printable import age, duration, printable, rate

PHASE_STYLES = {"serving": "bold green", "starting": "bold yellow", "skipping": "bold yellow"}
GONE_STYLE = "bold white on red"
COLUMNS_WIDTH, COLUMNS_HEIGHT = 115, 33  # what five columns need; a name has 19 cells
ROOMY_ROWS = 30
FOOTER = " 1 to 5: kill -9 that server and start it again · q: end "


class ColumnsView:
    """Draws all servers; a model has the same colour in all of them."""

    def __init__(self, url: str, epoch_s: Callable[[], float] = time.time) -> None:
        """Say where the page is; ``epoch_s`` is compared with when models took over."""
        self.url, self.epoch_s = url, epoch_s
        self.colours = ModelColours()

    def picture(self, columns: Sequence[Column], ending: str, rows: int) -> RenderableType:
        """The whole screen, of so many rows; ``ending`` says how the demo will end."""
        return _Picture(self, columns, ending, rows)


@dataclass(frozen=True, slots=True)
class _Picture:
    view: ColumnsView
    columns: Sequence[Column]
    ending: str
    rows: int

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        whole, body, roomy = Layout(), Layout(), options.max_width >= COLUMNS_WIDTH and self.rows >= COLUMNS_HEIGHT
        if roomy:
            body.split_row(*(Layout(self._column(each)) for each in self.columns))
        else:
            height = 5 if self.rows >= ROOMY_ROWS else 4
            body.split_column(*(Layout(self._row(each), size=height) for each in self.columns), Layout(Text(" ")))
        whole.split_column(Layout(self._header(), size=1), body, Layout(Text(FOOTER, "reverse"), size=1))
        yield whole

    def _header(self) -> RenderableType:
        line = grid(None, 1, None)
        line.columns[1].justify = "center"
        address = Text(self.view.url, f"underline link {self.view.url}")
        line.add_row(Text(" all servers ", "bold reverse"), Text(self.ending, "dim"), address)
        return line

    def _column(self, column: Column) -> RenderableType:
        counters, style = column.counters, _style(column)
        numbers, survives = grid(1, None), grid(1, None, None)
        for label, value in (
            *(("p50", duration(column.p50_ms)), ("p99", duration(column.p99_ms)), ("", "")),
            *(("scored by it", f"{counters.usage:,}"), ("skipped", f"{counters.skipped:,}")),
            ("dead letters", f"{counters.dead_letters:,}"),
        ):
            numbers.add_row(Text(label, "dim"), Text(value, "bold"))
        survives.add_row(*(Text(word, "dim") for word in ("after", "model", "counts")))
        for label, model, count in survivals(column.guarantees):
            survives.add_row(Text(label, "dim"), _mark(model), _mark(count))
        for each in (numbers.columns[1], *survives.columns[1:]):
            each.justify = "right"
        rate_line = Text.assemble((rate(column.records_per_s), "bold"), (" records/s", "dim"))
        content = Group(
            *(Text(column.name, "bold"), self._key(column), Text(phase_words(column), style), Text()),
            *(self._model(column), Text(self._facts(column), "dim"), Text()),
            *(rate_line, Curve(column.per_second, ACCENT), Text(), numbers, Text(), survives, Text()),
            *(Text(line, "" if at else "bold") for at, line in enumerate(kill_words(column))),
        )
        return Panel(content, border_style="red" if style == GONE_STYLE else "dim")

    def _row(self, column: Column) -> RenderableType:
        counters = column.counters
        first, second = Table.grid(padding=(0, 1), expand=True), grid(1, None)
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
            *(("scored by it ", "dim"), f"{counters.usage:,}", ("  skipped ", "dim"), f"{counters.skipped:,}"),
            *(("  dead letters ", "dim"), f"{counters.dead_letters:,}"),
        )
        second.add_row(Text.assemble("    ", self._model(column)), counted)
        signs = "  ".join(f"{label} {SIGN[model]}{SIGN[count]}" for label, model, count in survivals(column.guarantees))
        promised = Text(f"    survives, model and counts:  {signs}", "dim", no_wrap=True, overflow="ellipsis")
        killed = Text("    " + " · ".join(kill_words(column)), no_wrap=True, overflow="ellipsis")
        return Group(first, second, promised, killed)

    def _key(self, column: Column) -> Text:
        return Text(f" {column.number} ", "reverse")

    def _model(self, column: Column) -> Text:
        name = column.counters.model
        if name is None:
            return Text("no model", "dim", no_wrap=True)
        named = self.view.colours.named(name, "bold")
        named.no_wrap, named.overflow = True, "ellipsis"
        return named

    def _facts(self, column: Column) -> str:
        counters = column.counters
        if counters.since_ms is None:
            return "until one comes" if column.phase == "skipping" else ""
        since = age(max(0.0, self.view.epoch_s() - counters.since_ms / 1000))
        return printable(f"{counters.model_type} · for {since}")


def _style(column: Column) -> str:
    return PHASE_STYLES.get(column.phase, GONE_STYLE)


def _mark(survives: bool | None) -> Text:
    return Text(SIGN[survives], {True: "bold green", False: "bold red", None: "dim"}[survives])
