"""The page ``docs/experiments/scaling.md`` and its plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from experiments.markdown import table
from experiments.scaling.cells import Series

BAND = 0.15
HEAD = (
    "variant",
    "partitions:",
    "instances:",
    "CPU, µs/record:",
    "going up, coming down:",
    "of the smallest cell's:",
    "of it idle:",
    "without it, of the smallest cell's:",
    "records in a batch:",
)
STORED_HEAD = (
    "variant",
    "partitions:",
    "bytes a wine:",
    "bytes a score:",
    "changelog, bytes a batch:",
    "one instance idle, CPU:",
    "records checked by id:",
    "lost:",
    "scored twice:",
)
PAGE = """\
# Scaling

<!-- written by: python -m experiments.scaling -->
Measured by `make experiment NAME=scaling` (`python -m experiments.scaling --records {records}`): backlogs of
{records:,} wines, scored by 1 to {most} instances of one group, from topics of {partitions} partitions, on one
embedded broker; the model is `{model}`, so fast that the server is seen; default settings, but for a session timeout
of {timeout} s.

{facts}.

Two cores say nothing about how many records a second more instances score: six of them share what one has to itself.
What they do say is what a record costs, in processor time of all instances together. If that is flat, then twice the
instances, on cores of their own, score twice the records.

![CPU per record over instances, a line per variant and number of partitions, and the band of 15 %]({plot})

{costs}
{verdict}
- **CPU**: user and system time of all processes of the group, not of the broker: from letting the frozen instances go,
  each with its partitions and the model, warm, until the group has committed the last record. So no start and no
  rebalance is in it.
- **going up, coming down**: each number of instances is measured twice, 1, 2, ... and back again: what differs between
  the two is the machine, not the cell. The figure before it is their mean.
- **of it idle**: an instance polls the broker also while there is nothing to do: its idle time, times instances, times
  how long the backlog took, which on cores of their own would be shorter, the more instances there are.
- **records in a batch**: `custom_stage` scores what a fetch brought, of all its partitions together; a `streams_*`
  server takes each partition's part for itself. What is paid per batch - the model's call, a send, a changelog's
  row - is shared by so many.
- **A rise with the instances**: part of it is idle, as its column says: on two cores several instances take as long as
  one, and each of them polls all that time. The rest was not taken apart: batches are less full, as the last column
  says, since each instance comes sooner to the end of its share; and several processes take turns on two cores.

{stored}
- **bytes**: what a backlog adds to the logs of one replica, keys and Kafka's own framing included.
- **checked by id**: all records of these topics, by the checker (`experiments/checker/`): none without an outcome,
  none out of order, none with two unless a hand-over explains it, and as many as the instances have counted.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of instances on one number of partitions; means of both backlogs."""

    variant: str
    partitions: int
    instances: int
    costs: Sequence[float]  # of each backlog; µs/record, as are the next two
    cost: float
    idle: float
    records_per_batch: float

    @property
    def busy(self) -> float:
        """What a record costs without the idle time of so many instances."""
        return self.cost - self.idle


def cells(found: Sequence[Series]) -> Sequence[Cell]:
    """All of them, in order; the first of each variant is its smallest."""
    return [_cell(each, count) for each in found for count in sorted({cost.instances for cost in each.costs})]


def _cell(series: Series, instances: int) -> Cell:
    costs = series.twice(instances)
    records = sum(each.records for each in costs)
    return Cell(
        series.variant,
        series.partitions,
        instances,
        [each.cpu_us_per_record for each in costs],
        cost=mean(each.cpu_us_per_record for each in costs),
        idle=series.idle_cpu * instances * sum(each.seconds for each in costs) / records * 1e6,
        records_per_batch=records / sum(each.batches for each in costs),
    )


def smallest(measured: Sequence[Cell]) -> Mapping[str, Cell]:
    """By variant, the cell of one instance with the fewest partitions."""
    first: dict[str, Cell] = {}
    for each in measured:
        first.setdefault(each.variant, each)
    return first


def page(found: Sequence[Series], model: str, timeout_s: float, plot: str, facts: str) -> str:
    """The page; ``plot``: where the picture is, as seen from it; ``facts``: the machine."""
    measured = cells(found)
    one = smallest(measured)
    return PAGE.format(
        records=found[0].costs[0].records,
        most=max(each.instances for each in measured),
        partitions=_listed(sorted({each.partitions for each in found})),
        model=model,
        timeout=f"{timeout_s:g}",
        facts=facts,
        plot=plot,
        costs=table(HEAD, [_row(each, one[each.variant]) for each in measured]),
        verdict="\n".join(_verdict(first, measured) for first in one.values()),
        stored=table(STORED_HEAD, map(_stored_row, found)),
    )


def draw(found: Sequence[Series], to: Path) -> None:
    """One line per variant and number of partitions: in the variant's colour, and dotted the more, the more of them."""
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    from experiments.plots import PALETTE, figure

    measured = cells(found)
    one = smallest(measured)
    colours = dict(zip(one, PALETTE, strict=False))
    styles = dict(zip(sorted({each.partitions for each in found}), ("-", "--", ":", "-."), strict=False))
    drawn, axes = figure("A record's processor time", "instances", "smallest cell = 1")
    axes.axhspan(1 - BAND, 1 + BAND, color="0.92", zorder=0)
    for each in found:
        line = [cell for cell in measured if (cell.variant, cell.partitions) == (each.variant, each.partitions)]
        axes.plot(
            [cell.instances for cell in line],
            [cell.cost / one[each.variant].cost for cell in line],
            color=colours[each.variant],
            linestyle=styles[each.partitions],
            marker="o",
            label=f"{each.variant}, {each.partitions} partitions",
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    drawn.savefig(to)
    pyplot.close(drawn)


def _row(each: Cell, one: Cell) -> tuple[str, ...]:
    return (
        f"`{each.variant}`",
        str(each.partitions),
        str(each.instances),
        f"{each.cost:.2f}",
        ", ".join(f"{cost:.2f}" for cost in each.costs),
        f"{each.cost / one.cost:.2f}",
        f"{each.idle:.2f}",
        f"{each.busy / one.busy:.2f}",
        f"{each.records_per_batch:,.0f}",
    )


def _verdict(one: Cell, measured: Sequence[Cell]) -> str:
    own = [each for each in measured if each.variant == one.variant]
    whole, busy = [each.cost / one.cost for each in own], [each.busy / one.busy for each in own]
    held = "flat within" if max(abs(each - 1) for each in whole) <= BAND else "**not** flat within"
    return (
        f"- `{one.variant}`: {held} {BAND:.0%} of the smallest cell's cost: {min(whole):.2f} to {max(whole):.2f},\n"
        f"  the dearest cell {max(whole) / min(whole):.2f} times the cheapest; without what is idle {min(busy):.2f} to"
        f" {max(busy):.2f}, and {max(busy) / min(busy):.2f} times."
    )


def _stored_row(series: Series) -> tuple[str, ...]:
    return (
        f"`{series.variant}`",
        str(series.partitions),
        f"{series.stored.per_wine:.1f}",
        f"{series.stored.per_score:.1f}",
        f"{series.stored.per_batch:.0f}" if series.stored.per_batch else "",
        f"{series.idle_cpu:.1%}",
        f"{sum(each.records for each in series.costs):,}",
        str(series.found.unscored),
        str(series.found.duplicates),
    )


def _listed(numbers: Sequence[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last
