"""The page ``docs/experiments/external.md`` and its plot."""

from collections.abc import Sequence
from pathlib import Path

from experiments.external.measures import Outage, Speed, Swap
from experiments.external.ways import EMBEDDED, GRPC, REST
from experiments.markdown import table
from experiments.plots import figure

SPEED_HEAD = (
    "records per call:",
    "embedded, records/s:",
    "REST, records/s:",
    "gRPC, records/s:",
    "embedded / REST:",
    "embedded / gRPC:",
)
HOP_HEAD = (
    "records per call:",
    "embedded, p50 ms:",
    "embedded, p99 ms:",
    "REST, p50 ms:",
    "REST, p99 ms:",
    "gRPC, p50 ms:",
    "gRPC, p99 ms:",
    "price of the hop, REST, ms:",
    "price of the hop, gRPC, ms:",
)
OUTAGE_HEAD = (
    "asked over",
    "without an answer",
    "records:",
    "requests without an answer:",
    "server away, s:",
    "lost:",
    "scored twice:",
    "longest wait, s:",
)
SWAP_HEAD = (
    "way",
    "swaps:",
    "first score by the new model after, ms:",
    "submitted later, scored by the old:",
    "requests refused:",
    "longest wait before, ms:",
    "longest wait meanwhile, ms:",
)
ON_FAILURE = {"retry": "asked again", "skip": "left out"}
PAGE = """\
# Embedded, or a model server

<!-- written by: python -m experiments.external -->
Measured by `make experiment NAME=external`: one stream processor (`experiments/external/processor.py`) reads wines
from Kafka, has them scored, hands the scores over and commits each half second what the broker has acknowledged. It
scores with `{model}` in its own process (the core that all variants share), or asks MLServer 1.7.1, one process on the
same machine, for the same model with the same onnxruntime: over HTTP and JSON, or over gRPC with the numbers as bytes
(Open Inference Protocol, both on a connection that is kept).

{facts}. The model server shares the cores, too.

![Records per second over records per call]({plot})

{speeds}
The call for one batch, and what the hop adds to it (difference of the medians):

{hops}
- **records/s**: a backlog of {records:,} wines, at most {seconds:g} s, fetching, decoding, encoding and sending
  included; the median of {rounds} rounds.
- Crayfish (EDBT 2024, Kafka Streams, small network) has 1,619 records/s embedded against 534 with an external server
  at one record per call, a factor of 3, and no gap at large batches. Here the order at one record per call is the same
  with a factor of {factor_rest} (REST) and {factor_grpc} (gRPC), and at {largest:,} records per call the gap has shrunk
  to {large_rest} and {large_grpc}: the call is paid once for all of them, and what remains is to write the numbers and
  read them again, in Python on both sides, which for this model takes longer than to score it.
- So a processor that asks a model server must ask for many records at once. JSON and bytes differ only then.

## The model server is killed

{per_s:g} wines a second, at most {live} in a call; `kill -9`, and started again at once.

{outages}
- **lost**, **scored twice**: by the checker (`experiments/checker/`), from the topics alone. A processor that asks
  again until there is an answer loses nothing and doubles nothing: a request changes nothing in the model server, and
  the records are committed behind their scores. It waits, and with it all that stands behind in its partitions.
- One that goes on without the score loses what came meanwhile.
- Embedded there is no second process to be killed; what the death of the processor itself costs is in
  [survival](survival.md).

## A swap under load

{swap_count} swaps, `forest-onnx` and `linear-onnx` in turn: embedded by a model in the models topic, MLServer by a new
version in its repository and `POST /v2/repository/models/{{name}}/load`.

{swaps}
- All figures are the worst of the swaps. **submitted later, scored by the old**: records submitted after the swap was
  asked for. **longest wait**: from submission to score, in the second before (the processor's start is in the first
  one), and of what was submitted in the second after.
- Nothing was lost or doubled by any swap (the checker again).
"""


def write(
    output: Path,
    speeds: Sequence[Speed],
    outages: Sequence[Outage],
    swaps: Sequence[Swap],
    facts: dict[str, object],
) -> None:
    """Write the page, and the plot beside it."""
    plot = output.with_suffix(".png")
    by_way = {way: {each.batch: each for each in speeds if each.way == way} for way in (EMBEDDED, REST, GRPC)}
    _draw(by_way, plot)
    batches = list(by_way[EMBEDDED])
    ratios = {way: {batch: _ratio(by_way, way, batch) for batch in batches} for way in (REST, GRPC)}
    text = PAGE.format(
        plot=plot.name,
        speeds=table(SPEED_HEAD, [_speed_row(by_way, ratios, batch) for batch in batches]),
        hops=table(HOP_HEAD, [_hop_row(by_way, batch) for batch in batches]),
        outages=table(OUTAGE_HEAD, [_outage_row(each) for each in outages]),
        swaps=table(SWAP_HEAD, [_swap_row(way, swaps) for way in by_way]),
        factor_rest=f"{ratios[REST][batches[0]]:.1f}",
        factor_grpc=f"{ratios[GRPC][batches[0]]:.1f}",
        large_rest=f"{ratios[REST][batches[-1]]:.1f}",
        large_grpc=f"{ratios[GRPC][batches[-1]]:.1f}",
        largest=batches[-1],
        **facts,
    )
    output.write_text(text, "utf-8")


ByWay = dict[str, dict[int, Speed]]


def _ratio(by_way: ByWay, way: str, batch: int) -> float:
    return by_way[EMBEDDED][batch].records_per_s / by_way[way][batch].records_per_s


def _speed_row(by_way: ByWay, ratios: dict[str, dict[int, float]], batch: int) -> tuple[str, ...]:
    speeds = [f"{each[batch].records_per_s:,.0f}" for each in by_way.values()]
    return f"{batch:,}", *speeds, *(f"{each[batch]:.1f}" for each in ratios.values())


def _hop_row(by_way: ByWay, batch: int) -> tuple[str, ...]:
    calls = [f"{figure:.2f}" for each in by_way.values() for figure in (each[batch].p50_ms, each[batch].p99_ms)]
    embedded = by_way[EMBEDDED][batch].p50_ms
    return f"{batch:,}", *calls, *(f"{by_way[way][batch].p50_ms - embedded:.2f}" for way in (REST, GRPC))


def _outage_row(each: Outage) -> tuple[str, ...]:
    return (
        each.way,
        ON_FAILURE[each.on_failure],
        f"{each.records:,}",
        f"{each.failures:,}",
        f"{each.away_s:.1f}",
        f"{each.found.unscored:,}",
        f"{each.found.duplicates:,}",
        f"{each.longest_ms / 1000:.1f}",
    )


def _swap_row(way: str, swaps: Sequence[Swap]) -> tuple[str, ...]:
    of_way = [each for each in swaps if each.way == way]
    return (
        way,
        str(len(of_way)),
        f"{max(each.takeover_ms for each in of_way):.0f}",
        f"{max(each.by_the_old for each in of_way):,}",
        f"{max(each.failures for each in of_way):,}",
        f"{max(each.before_ms for each in of_way):.0f}",
        f"{max(each.longest_ms for each in of_way):.0f}",
    )


def _draw(by_way: ByWay, to: Path) -> None:
    drawn, axes = figure("The price of a hop", "records per call", "records/s")
    for (way, speeds), marker in zip(by_way.items(), "os^", strict=True):
        axes.loglog(list(speeds), [each.records_per_s for each in speeds.values()], marker=marker, label=way)
    axes.set_xticks(list(by_way[EMBEDDED]), [f"{batch:,}" for batch in by_way[EMBEDDED]])
    axes.minorticks_off()
    axes.legend()
    drawn.savefig(to)
