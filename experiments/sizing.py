"""A million records a second, on paper: ``docs/scaling.md``, computed from what the experiments have measured.

``python -m experiments.sizing`` (``make generate``) writes its tables; ``Assumed`` is all that was not measured.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.provider.shipped_models import shipped_model
from experiments.markdown import insert_table, table, table_rows
from experiments.scaling.page import HEAD as COSTS_HEAD
from experiments.scaling.page import STORED_HEAD
from experiments.survival.page import IN_WORDS, LONG_HEAD, TRACES_HEAD
from experiments.throughput.page import HEAD as SPEEDS_HEAD
from serving.settings.server import Settings

PAGE = Path("docs/scaling.md")
MEASURED = Path("docs/experiments")
MODEL = "forest-onnx"
DAY_S = 86_400
MEGA, GIGA, TERA = 1e6, 1e9, 1e12
ASSUMED_HEAD = ("assumed, not measured", "value:")
TRAFFIC_HEAD = ("per second", "wines:", "scores:", "together:")
BROKERS_HEAD = ("brokers", "value:")
SERVERS_HEAD = (
    "variant",
    "one instance, records/s:",
    "instances:",
    "partitions:",
    "the busiest instance:",
    "the busiest, one lost:",
    "memory, all instances:",
)
LOST_HEAD = (
    "variant",
    "its partitions stand still for:",
    "records waiting then:",
    "caught up after another:",
    "scored twice, about:",
)
STATE_HEAD = (
    "variant",
    "changelog, rows/s:",
    "changelog, MB/s, all replicas:",
    "models, every instance:",
    "restored in:",
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What an engineer decides, or knows of a cluster; the figures of the page follow."""

    records_per_s: int = 1_000_000
    used: float = 0.5  # of the rate at which one instance was measured
    used_after_loss: float = 0.8  # of that rate, by the busiest instance when one is lost
    replicas: int = 3
    network_bytes_per_s: float = 10e9 / 8  # of a broker, in each direction
    network_used: float = 0.5
    retention_days: float = 1
    readers: int = 1  # of the scores
    data_types: int = 100  # each with a model of its own


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one variant; from the tables."""

    records_per_s: float  # one instance, warm, with MODEL
    dearest_cell: float  # what a record costs at most where there are several instances or more partitions; alone: 1
    memory_bytes: float
    restart_s: float | None  # until the first score, its disk intact; None: until the next model
    restart_wiped_s: float | None
    changelog_bytes: float  # that were there to restore then
    records_per_batch: float  # the least of all cells
    row_bytes: float  # in the changelog; 0: there is none


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many instances and partitions, and what the busiest instance has to do; rates in records/s."""

    rate: float  # that one instance can take
    instances: int
    partitions: int
    busiest: float
    busiest_after_loss: float


def fleet(rate: float, assumed: Assumed) -> Fleet:
    """Instances for the planned use, and so many partitions that the loss of one instance is spread far enough.

    A partition has one owner: with one partition each, a single instance takes over all that the lost one had.
    """
    planned = math.ceil(assumed.records_per_s / (rate * assumed.used))
    left = math.floor(assumed.records_per_s / (rate * assumed.used_after_loss)) + 1  # fewer could not take it all over
    instances = max(planned, left + 1)
    each = 1
    while True:
        partitions = each * instances
        after = math.ceil(partitions / (instances - 1)) * assumed.records_per_s / partitions
        if after <= rate * assumed.used_after_loss:
            return Fleet(rate, instances, partitions, assumed.records_per_s / instances, after)
        each += 1


def catch_up_s(fleet: Fleet, hole_s: float) -> float:
    """How long the busiest takes for what waited in the partitions that it has taken over."""
    waiting = (fleet.busiest_after_loss - fleet.busiest) * hole_s
    return waiting / (fleet.rate - fleet.busiest_after_loss)


def brokers(in_bytes: float, out_bytes: float, assumed: Assumed) -> int:
    """As many as carry it, and one more, which may fail; at least one for each replica."""
    each = assumed.network_bytes_per_s * assumed.network_used
    return max(assumed.replicas, math.ceil(max(in_bytes, out_bytes) / each) + 1)


def measured(pages: Mapping[str, str]) -> tuple[Mapping[str, Measured], float, float]:
    """All variants, and the bytes of a wine and of a score, from the text of the pages, by name."""
    speeds = [
        row
        for row in table_rows(pages["throughput"], SPEEDS_HEAD)
        if (row["delivery"], row["model"]) == ("at-least-once", MODEL)
    ]
    costs = table_rows(pages["scaling"], COSTS_HEAD)
    stored = table_rows(pages["scaling"], STORED_HEAD)
    lives = table_rows(pages["survival"], LONG_HEAD)
    traces = {row["variant"]: row for row in table_rows(pages["survival"], TRACES_HEAD)}
    found = {}
    for speed in speeds:
        variant = speed["variant"]
        # A variant that was not measured in groups is taken for the dearest of those that were.
        own = [row for row in costs if row["variant"] == variant] or costs
        rows = [_number(row["changelog, bytes a batch"]) for row in stored if row["changelog, bytes a batch"]]
        restarts = {
            row["circumstance"]: _seconds(row["first score after"]) for row in lives if row["variant"] == variant
        }
        has_changelog = traces[variant]["in changelogs"] != "nothing"
        found[variant] = Measured(
            records_per_s=_number(speed["records/s"]),
            dearest_cell=max(1.0, *(_number(row["of the smallest cell's"]) for row in own)),
            memory_bytes=_number(speed["peak memory, MiB"]) * 2**20,
            restart_s=restarts[IN_WORDS["killed"]],
            restart_wiped_s=restarts[IN_WORDS["disk_wiped"]],
            changelog_bytes=_size(traces[variant]["in changelogs"]),
            records_per_batch=min(_number(row["records in a batch"]) for row in own),
            row_bytes=max(rows) if has_changelog else 0.0,
        )
    wine, score = (max(_number(row[head]) for row in stored) for head in ("bytes a wine", "bytes a score"))
    return found, wine, score


def tables(pages: Mapping[str, str], assumed: Assumed) -> Mapping[str, str]:
    """Every table of the page, by the marker that it stands below."""
    variants, wine, score = measured(pages)
    model_bytes = len(shipped_model(MODEL).data)
    fleets = {name: fleet(each.records_per_s / each.dearest_cell, assumed) for name, each in variants.items()}
    return {
        "assumed": table(ASSUMED_HEAD, _assumed_rows(assumed, model_bytes)),
        "traffic": table(TRAFFIC_HEAD, _traffic_rows(wine, score, assumed)),
        "brokers": table(BROKERS_HEAD, _broker_rows(wine, score, assumed)),
        "servers": table(SERVERS_HEAD, [_server_row(name, variants[name], each) for name, each in fleets.items()]),
        "lost": table(LOST_HEAD, [_lost_row(name, each) for name, each in fleets.items()]),
        "state": table(
            STATE_HEAD,
            [_state_row(name, variants[name], each, assumed, model_bytes) for name, each in fleets.items()],
        ),
    }


def with_tables(page: str, measured_in: Path = MEASURED, assumed: Assumed | None = None) -> str:
    """The page's text with the tables as they should be."""
    pages = {name: (measured_in / f"{name}.md").read_text("utf-8") for name in ("throughput", "survival", "scaling")}
    for marker, lines in tables(pages, assumed or Assumed()).items():
        page = insert_table(page, f"{marker}: make generate", lines)
    return page


def _assumed_rows(assumed: Assumed, model_bytes: int) -> Sequence[tuple[str, str]]:
    return [
        ("records a second", f"{assumed.records_per_s:,}"),
        ("used of an instance's measured rate", f"{assumed.used:.0%}"),
        ("used by the busiest instance when one is lost, at most", f"{assumed.used_after_loss:.0%}"),
        ("replication factor", str(assumed.replicas)),
        ("a broker's network, in each direction", f"{assumed.network_bytes_per_s * 8 / GIGA:g} Gbit/s"),
        ("used of it", f"{assumed.network_used:.0%}"),
        ("retention of wines and scores", f"{assumed.retention_days:g} d"),
        ("readers of all scores", str(assumed.readers)),
        ("data types, each with a model", str(assumed.data_types)),
        (f"a model's size, as `{MODEL}`", f"{model_bytes / 1000:.1f} kB"),
    ]


def _traffic_rows(wine: float, score: float, assumed: Assumed) -> Sequence[tuple[str, ...]]:
    rate, copies = assumed.records_per_s, assumed.replicas - 1
    written = (wine * rate, score * rate)
    read = (wine * rate, score * rate * assumed.readers)
    rows = {
        "written by clients": written,
        "copied to the other replicas": tuple(each * copies for each in written),
        "read by clients": read,
    }
    size = ("a message, bytes", f"{wine:.0f}", f"{score:.0f}", f"{wine + score:.0f}")
    return [size, *((name, *(_megabytes(each) for each in (*row, sum(row)))) for name, row in rows.items())]


def _broker_rows(wine: float, score: float, assumed: Assumed) -> Sequence[tuple[str, str]]:
    written = (wine + score) * assumed.records_per_s
    read = (wine + score * assumed.readers) * assumed.records_per_s
    into, out = written * assumed.replicas, written * (assumed.replicas - 1) + read
    number = brokers(into, out, assumed)
    disk = into * DAY_S * assumed.retention_days
    return [
        ("into all of them", _megabytes(into)),
        ("out of all of them", _megabytes(out)),
        ("brokers", str(number)),
        ("into each", _megabytes(into / number)),
        ("out of each; at most, when one is lost", f"{_megabytes(out / number)}; {_megabytes(out / (number - 1))}"),
        ("on all disks, at this retention", f"{disk / TERA:,.0f} TB"),
        ("on the disks of one", f"{disk / number / TERA:,.1f} TB"),
    ]


def _server_row(name: str, variant: Measured, each: Fleet) -> tuple[str, ...]:
    return (
        name,
        f"{each.rate:,.0f}",
        str(each.instances),
        str(each.partitions),
        f"{each.busiest:,.0f} ({each.busiest / each.rate:.0%})",
        f"{each.busiest_after_loss:,.0f} ({each.busiest_after_loss / each.rate:.0%})",
        f"{variant.memory_bytes * each.instances / GIGA:.1f} GB",
    )


def _lost_row(name: str, each: Fleet) -> tuple[str, ...]:
    hole_s = _setting("session_timeout_ms") / 1000
    twice = each.busiest * _setting("commit_interval_ms") / 1000
    return name, f"{hole_s:g} s", f"{each.busiest * hole_s:,.0f}", f"{catch_up_s(each, hole_s):.1f} s", f"{twice:,.0f}"


def _state_row(name: str, variant: Measured, each: Fleet, assumed: Assumed, model_bytes: int) -> tuple[str, ...]:
    models = assumed.data_types * model_bytes
    copies = f"{models / MEGA:.0f} MB, {models * each.instances / MEGA:,.0f} MB together"
    if not variant.row_bytes:
        return name, "", "", copies, ""
    rows_per_s = assumed.records_per_s / variant.records_per_batch
    assert variant.restart_s is not None
    assert variant.restart_wiped_s is not None
    restore_bytes_per_s = variant.changelog_bytes / (variant.restart_wiped_s - variant.restart_s)
    return (
        name,
        f"{rows_per_s:,.0f}",
        f"{rows_per_s * variant.row_bytes * assumed.replicas / MEGA:.2f}",
        copies,
        f"{models / restore_bytes_per_s:.0f} s",
    )


def _setting(name: str) -> float:
    return float(Settings.model_fields[name].default)


def _number(cell: str) -> float:
    return float(cell.replace(",", ""))


def _seconds(cell: str) -> float | None:
    return float(cell.split()[0]) if cell else None


def _size(cell: str) -> float:
    if cell == "nothing":
        return 0.0
    number, unit = cell.split()
    return float(number.replace(",", "")) * {"kB": 1e3, "MB": 1e6}[unit]


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / MEGA:,.0f} MB"


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
