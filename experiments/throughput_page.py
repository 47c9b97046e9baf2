"""The page ``docs/experiments/throughput.md``."""

from collections.abc import Sequence

from experiments.backlog import Speed
from experiments.markdown import table

MIB = 1 << 20
YARDSTICK = "custom_stage"
HEAD = (
    "variant",
    "model",
    "records/s:",
    f"of {YARDSTICK}'s:",
    "CPU, µs/record:",
    "peak memory, MiB:",
    "scored again after `kill -9`:",
)
PAGE = """\
# Throughput

<!-- written by: python -m experiments.throughput -->
Measured by `make bench` (`python -m experiments.throughput --records {records}`): backlogs of {records:,} wines in 3
partitions, generated with the statistics of the real ones, on the embedded broker; default settings, one variant after
the other.

{facts}.

{table}
- **records/s**: a warm server is frozen (`SIGSTOP`) while the wines are published, and then let go. The time runs from
  the last look at the scores topic that found none of their scores to the first that found all of them, acknowledged
  by the broker; a look every 0.01 s. So the start is no part of it; fetching, decoding, scoring, sending, committing
  and all that the variant writes down are.
- **of {yardstick}'s**: its speed with the same model in the same run is 1.
- **CPU**: user and system time of all threads of the server process, from letting it go until the last score; not the
  broker's.
- **peak memory**: the most that was resident at any of these looks.
- **scored again**: the server is killed (`kill -9`) halfway through a further backlog of as many wines. Counted are the
  records, by partition and offset, that have a score in the topic and were not yet committed: whoever takes over
  scores them a second time.
- `linear-onnx` is a linear model of 294 bytes: what is left is the cost of all but the model. `forest-onnx` has 30
  trees of depth 8.
"""


def page(speeds: Sequence[Speed], records: int, facts: str) -> str:
    """The page for what was measured; ``facts`` says where."""
    yardstick = {speed.model: speed.records_per_s for speed in speeds if speed.variant == YARDSTICK}
    rows = [_row(speed, yardstick.get(speed.model)) for speed in speeds]
    return PAGE.format(records=records, facts=facts, table=table(HEAD, rows), yardstick=YARDSTICK)


def _row(speed: Speed, yardstick_per_s: float | None) -> tuple[str, ...]:
    return (
        f"`{speed.variant}`",
        speed.model,
        f"{speed.records_per_s:,.0f}",
        "" if yardstick_per_s is None else f"{speed.records_per_s / yardstick_per_s:.2f}",
        f"{speed.cpu_us_per_record:.1f}",
        f"{speed.peak_memory_bytes / MIB:,.0f}",
        "" if speed.redelivered is None else f"{speed.redelivered:,}",
    )
