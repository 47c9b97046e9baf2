"""The page ``docs/experiments/throughput.md``."""

from collections.abc import Sequence

from experiments.markdown import table
from experiments.throughput.backlog import Speed
from experiments.throughput.contenders import LIMIT, YARDSTICK
from experiments.throughput.latency import Latency

MIB = 1 << 20
HEAD = (
    "variant",
    "delivery",
    "model",
    "records/s:",
    "of the limit:",
    f"of {YARDSTICK}'s:",
    "CPU, µs/record:",
    "peak memory, MiB:",
    "scored again after `kill -9`:",
)
LATENCY_HEAD = ("variant", "models taken over meanwhile:", "p50, ms:", "p99, ms:", "p99.9, ms:", "longest, ms:")
PAGE = """\
# Throughput

<!-- written by: python -m experiments.throughput -->
Measured by `make bench` (`python -m experiments.throughput --records {records}`): backlogs of {records:,} wines in 3
partitions, generated with the statistics of the real ones, on the embedded broker; default settings, one server after
the other.

{facts}.

{speeds}
- **records/s**: a warm server is frozen (`SIGSTOP`) while the wines are published, and then let go. The time runs from
  the last look at the scores topic that found none of their scores to the first that found all of them, acknowledged
  by the broker; a look every 0.01 s. So the start is no part of it; fetching, decoding, scoring, sending, committing
  and all that the variant writes down are.
- **of the limit**: `pass_through` consumes and produces the same bytes with the same client in batches, commits like
  the others, and does nothing else; its speed in the same run is 1.
- **of {yardstick}'s**: its speed with the same model, at-least-once, in the same run is 1.
- **CPU**: user and system time of all threads of the server process, from letting it go until the last score; not the
  broker's.
- **peak memory**: the most that was resident at any of these looks.
- **scored again**: the server is killed (`kill -9`) halfway through a further backlog of as many wines. Counted are the
  records, by partition and offset, that have a score in the topic and were not yet committed: the server that takes
  over scores them a second time.
- `linear-onnx` is a linear model of 294 bytes: what is left is the cost of all but the model. `forest-onnx` has 30
  trees of depth 8, `forest-pmml` 20 of depth 7; both `-pmml` are compiled to numpy.

## Latency

At 1,000 records/s, from handing a record to the producer until its score has come to a consumer. Measured after twice
as long at that pace: a young broker compiles for approximately 20 s.

{latencies}
- While models are **taken over**, one each second, `forest-onnx` and `linear-onnx` in turn; the longest wait is the
  longest time without a score that a swap has cost.
"""


def page(speeds: Sequence[Speed], latencies: Sequence[Latency], records: int, facts: str) -> str:
    """The page for what was measured; ``facts`` says where."""
    return PAGE.format(
        records=records,
        facts=facts,
        speeds=table(HEAD, [_row(speed, speeds) for speed in speeds]),
        latencies=table(LATENCY_HEAD, [_latency_row(each) for each in latencies]),
        yardstick=YARDSTICK,
    )


def _row(speed: Speed, speeds: Sequence[Speed]) -> tuple[str, ...]:
    limit = [each for each in speeds if each.variant == LIMIT]
    yardstick = [
        each
        for each in speeds
        if (each.variant, each.delivery, each.model) == (YARDSTICK, "at-least-once", speed.model)
        and speed.variant != LIMIT
    ]
    return (
        _name(speed.variant),
        speed.delivery,
        "" if speed.variant == LIMIT else speed.model,
        f"{speed.records_per_s:,.0f}",
        _ratio(speed, limit),
        _ratio(speed, yardstick),
        f"{speed.cpu_us_per_record:.1f}",
        f"{speed.peak_memory_bytes / MIB:,.0f}",
        "" if speed.redelivered is None or speed.variant == LIMIT else f"{speed.redelivered:,}",
    )


def _ratio(speed: Speed, to: Sequence[Speed]) -> str:
    return f"{speed.records_per_s / to[0].records_per_s:.2f}" if to else ""


def _latency_row(each: Latency) -> tuple[str, ...]:
    figures = (each.p50_ms, each.p99_ms, each.p999_ms, each.longest_ms)
    return _name(each.variant), str(each.swaps), *(f"{figure:.1f}" for figure in figures)


def _name(variant: str) -> str:
    return f"`{variant.rpartition('.')[2]}`"
