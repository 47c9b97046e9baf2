"""The page ``docs/experiments/scaling.md`` and its plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from experiments.markdown import table
from experiments.scaling.cells import Cost, Series

BAND = 0.15
HEAD = (
    "variant",
    "partitions:",
    "instances:",
    "CPU, µs/record:",
    "going up, coming down:",
    "of the smallest cell's:",
    "of it idle:",
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
  how long the backlog took.
- **records in a batch**: `custom_stage` scores what a fetch brought, of all its partitions together; a `streams_*`
  server takes each partition's part for itself. What is paid per batch - the model's call, a send, a changelog's
  row - is shared by so many.

{stored}
- **bytes**: what a backlog adds to the logs of one replica, keys and Kafka's own framing included.
- **checked by id**: all records of these topics, by the checker (`experiments/checker/`): none without an outcome,
  none out of order, none with two unless a hand-over explains it, and as many as the instances have counted.
"""


def smallest(found: Sequence[Series]) -> Mapping[str, float]:
    """By variant, what a record costs one instance with the fewest partitions."""
    by_size = sorted(found, key=lambda each: -each.partitions)
    return {each.variant: _mean_cost(each.twice(min(_counts(each)))) for each in by_size}


def ratios(found: Sequence[Series]) -> Mapping[str, Sequence[float]]:
    """By variant, what a record costs in each cell; in the smallest one it is 1."""
    one = smallest(found)
    by_variant: dict[str, list[float]] = {}
    for each in found:
        costs = [_mean_cost(each.twice(count)) / one[each.variant] for count in _counts(each)]
        by_variant.setdefault(each.variant, []).extend(costs)
    return by_variant


def page(found: Sequence[Series], model: str, timeout_s: float, plot: str, facts: str) -> str:
    """The page; ``plot``: where the picture is, as seen from it; ``facts``: the machine."""
    one = smallest(found)
    return PAGE.format(
        records=found[0].costs[0].records,
        most=max(max(_counts(each)) for each in found),
        partitions=_listed(sorted({each.partitions for each in found})),
        model=model,
        timeout=f"{timeout_s:g}",
        facts=facts,
        plot=plot,
        costs=table(HEAD, [_row(each, count, one[each.variant]) for each in found for count in _counts(each)]),
        verdict="\n".join(_verdict(variant, cells) for variant, cells in ratios(found).items()),
        stored=table(STORED_HEAD, map(_stored_row, found)),
    )


def draw(found: Sequence[Series], to: Path) -> None:
    """One line per variant and number of partitions: in the variant's colour, and dotted the more, the more of them."""
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    from experiments.plots import PALETTE, figure

    one = smallest(found)
    colours = dict(zip(one, PALETTE, strict=False))
    styles = dict(zip(sorted({each.partitions for each in found}), ("-", "--", ":", "-."), strict=False))
    drawn, axes = figure("A record's processor time", "instances", "smallest cell = 1")
    axes.axhspan(1 - BAND, 1 + BAND, color="0.92", zorder=0)
    for each in found:
        counts = _counts(each)
        costs = [_mean_cost(each.twice(count)) / one[each.variant] for count in counts]
        label = f"{each.variant}, {each.partitions} partitions"
        style = {"color": colours[each.variant], "linestyle": styles[each.partitions]}
        axes.plot(counts, costs, marker="o", label=label, **style)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    drawn.savefig(to)
    pyplot.close(drawn)


def _counts(series: Series) -> Sequence[int]:
    return sorted({each.instances for each in series.costs})


def _mean_cost(costs: Sequence[Cost]) -> float:
    return mean(each.cpu_us_per_record for each in costs)


def _row(series: Series, instances: int, one: float) -> tuple[str, ...]:
    costs = series.twice(instances)
    cost = _mean_cost(costs)
    idle_us = series.idle_cpu * instances * mean(each.seconds for each in costs) / costs[0].records * 1e6
    return (
        f"`{series.variant}`",
        str(series.partitions),
        str(instances),
        f"{cost:.2f}",
        ", ".join(f"{each.cpu_us_per_record:.2f}" for each in costs),
        f"{cost / one:.2f}",
        f"{idle_us:.2f}",
        f"{sum(each.records for each in costs) / sum(each.batches for each in costs):,.0f}",
    )


def _verdict(variant: str, cells: Sequence[float]) -> str:
    held = "flat within" if max(abs(each - 1) for each in cells) <= BAND else "**not** flat within"
    return f"- `{variant}`: {held} {BAND:.0%}: {min(cells):.2f} to {max(cells):.2f} of the smallest cell's cost."


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
