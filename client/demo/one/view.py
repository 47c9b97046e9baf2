"""The demo's picture of a snapshot, for terminals of 80x24 and larger."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from client.demo.charts import Curve, Histogram
from client.terminal.printable import age, duration, printable, rate
from serving.telemetry.live_snapshot import LiveModel, LiveScore, LiveSnapshot, LiveSwap

PALETTE = ("magenta", "cyan", "yellow", "green", "blue", "red")
ACCENT = "magenta"
FEW_ROWS = 32  # a terminal with fewer gets smaller panels
MAX_COLOURED = 100  # several times as many models as a screen shows


class ModelColours:
    """A colour per model, which it keeps until ``MAX_COLOURED`` newer models have got theirs."""

    def __init__(self) -> None:
        self.colours: dict[str, str] = {}  # the newest model last
        self._given = 0

    def of(self, model: str) -> str:
        """The model's colour."""
        if model not in self.colours:
            self.colours[model] = PALETTE[self._given % len(PALETTE)]
            self._given += 1
            if len(self.colours) > MAX_COLOURED:
                del self.colours[next(iter(self.colours))]
        return self.colours[model]

    def named(self, model: str, style: str = "") -> Text:
        """The model's name behind its colour."""
        return Text.assemble(("■ ", self.of(model)), (printable(model), style))


class DemoView:
    """Draws snapshots; a model keeps its colour from one to the next."""

    def __init__(self, title: str, url: str) -> None:
        """Show whose scores these are, and where its server's page is."""
        self._title = title
        self._url = url
        self._colours = ModelColours()

    def picture(self, snapshot: LiveSnapshot, ending: str, rows: int) -> RenderableType:
        """The whole screen, of ``rows`` rows; ``ending`` is how the demo will end."""
        few = rows < FEW_ROWS
        top = Layout(size=4 if few else 5)
        middle = Layout()
        top.split_row(
            Layout(_panel("Active model", self._models(snapshot.models)), ratio=2),
            Layout(_panel("Records/s", _rate(snapshot))),
            Layout(_panel("End to end", _latency(snapshot))),
        )
        middle.split_row(
            Layout(_panel("Scores of the last 30 s", Histogram(snapshot.histogram, ACCENT)), ratio=5),
            Layout(_panel("Last scores", self._scores(snapshot.last_scores)), ratio=4),
        )
        title = f"Swaps · {snapshot.swap_count:,}" if snapshot.swap_count else "Swaps"
        swaps = Layout(_panel(title, self._swaps(snapshot.swaps)), size=5 if few else 10)
        whole = Layout()
        whole.split_column(Layout(self._header(snapshot.total, ending), size=1), top, middle, swaps)
        return whole

    def _header(self, total: int, ending: str) -> RenderableType:
        line = grid(None, 1, None)
        line.columns[1].justify = "center"
        middle = Text(f"{total:,} scored · {ending}", "dim")
        line.add_row(Text(f" {self._title} ", "bold reverse"), middle, Text(self._url, f"underline link {self._url}"))
        return line

    def _models(self, models: Sequence[LiveModel]) -> RenderableType:
        if not models:
            return Group(Text("No score yet", "bold"), Text("Records are skipped until a model comes", "dim"))
        if len(models) == 1:
            facts = f"{printable(models[0].data_type)} · for {age(models[0].since_ago_s)}"
            return Group(self._colours.named(models[0].name, "bold"), Text(facts, "dim"))
        lines = grid(None, 1)
        for model in sorted(models, key=lambda model: model.data_type):
            lines.add_row(Text(printable(model.data_type), "dim"), self._colours.named(model.name, "bold"))
        return lines

    def _scores(self, scores: Sequence[LiveScore]) -> RenderableType:
        lines = grid(None, None, 1)
        for score in scores:
            value = Text(f"{score.value:.2f}", "bold")
            lines.add_row(Text("■", self._colours.of(score.model_name)), value, Text(printable(score.record_id), "dim"))
        return lines

    def _swaps(self, swaps: Sequence[LiveSwap]) -> RenderableType:
        if not swaps:
            return Text("None yet", "dim")
        lines = grid(1, None, 1, None)
        lines.columns[3].justify = "right"
        for swap in swaps:
            ago = Text(f"{age(swap.ago_s)} ago", "dim")
            lines.add_row(self._colours.named(swap.from_model), Text("→"), self._colours.named(swap.to_model), ago)
        return lines


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=Text(title, "dim"), title_align="left", border_style="dim")


def grid(*ratios: int | None) -> Table:
    """A table of lines that are never wrapped; a column without ratio is as wide as its content."""
    table = Table.grid(padding=(0, 1), expand=True)
    for ratio in ratios:
        table.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
    return table


def _rate(snapshot: LiveSnapshot) -> RenderableType:
    return Group(Text(rate(snapshot.records_per_s), "bold"), Curve(snapshot.per_second, ACCENT))


def _latency(snapshot: LiveSnapshot) -> RenderableType:
    lines = grid(None, 1)
    for name, ms in (("p50", snapshot.p50_ms), ("p99", snapshot.p99_ms)):
        lines.add_row(Text(name, "dim"), Text(duration(ms), "bold"))
    return lines
