"""The page ``docs/experiments/peers.md``, and its plot."""

from collections.abc import Sequence
from pathlib import Path

from experiments.markdown import table
from experiments.peers.known import PEERS
from experiments.plots import PALETTE, figure
from experiments.throughput.backlog import Speed
from experiments.throughput.contenders import FASTEST, YARDSTICK

MIB = 1 << 20
HEAD = (
    "server",
    "records/s:",
    f"of {YARDSTICK}'s:",
    "CPU, µs/record:",
    "peak memory, MiB:",
    "commits, every s:",
    "scored again after `kill -9`:",
)
OUR_COMMIT_INTERVAL_S = 0.1  # the default of --commit-interval-ms
PAGE = """\
# Peers

<!-- written by: python -m experiments.peers -->
Measured by `make experiment NAME=peers`: the same backlog of {records:,} wines in 3 partitions for each server, one
after the other, at-least-once, with `{model}`, so small that what is left is the cost of the engine.

{facts}.

{rows}
![Records a second]({plot})

- **`plain_faust`**, **`quixstreams`**: what a user of these engines writes first
  ([experiments/peers](../../experiments/peers)): one record after the other, from bytes to a score and to bytes, with
  the same model code and the engine's own defaults. The other five are this project's: they hand whole batches to the
  model, whatever the engine.
- **records/s**, **CPU**, **peak memory** and **scored again**: as in [throughput](throughput.md): a warm server is
  frozen while the wines are published, then let go; the broker shares its processors.
- **commits**: the default interval. What is scored again after a `kill -9` grows with it, and with the speed.
"""


def page(speeds: Sequence[Speed], records: int, facts: str, plot_name: str = "peers.png") -> str:
    """The page: a row per server."""
    rows = table(HEAD, [_row(each, speeds) for each in speeds])
    return PAGE.format(records=records, model=FASTEST, facts=facts, rows=rows, plot=plot_name)


def _row(speed: Speed, speeds: Sequence[Speed]) -> Sequence[str]:
    yardstick = [each.records_per_s for each in speeds if each.variant == YARDSTICK]
    peer = PEERS.get(_name(speed))
    return (
        f"`{_name(speed)}`",
        f"{speed.records_per_s:,.0f}",
        f"{speed.records_per_s / yardstick[0]:.2f}" if yardstick else "",
        f"{speed.cpu_us_per_record:.1f}",
        f"{speed.peak_memory_bytes / MIB:,.0f}",
        f"{OUR_COMMIT_INTERVAL_S if peer is None else peer.commit_interval_s:g}",
        f"{speed.redelivered:,}",
    )


def _name(speed: Speed) -> str:
    return speed.variant.rpartition(".")[2]


def plot(speeds: Sequence[Speed], to: Path) -> None:
    """A bar per server."""
    drawn, axes = figure("The same backlog, at-least-once", "records/s", "")
    colours = [PALETTE[_name(each) in PEERS] for each in speeds]
    bars = axes.barh([_name(each) for each in speeds], [each.records_per_s for each in speeds], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    drawn.savefig(to)
