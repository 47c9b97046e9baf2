"""The measured table of what survives: short in the README, long in ``docs/experiments/survival.md``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from client.demo.circumstances import Circumstance
from experiments.markdown import table
from experiments.survival.kill_round import Outcome
from experiments.survival.life import CIRCUMSTANCES, Life

MARKER = "survival measured: make survival"
IN_WORDS = {
    "killed": "killed",
    "disk_wiped": "and its disk wiped",
    "model_topic_emptied": "and the model topic emptied",
}
SHORT_HEAD = ("variant", *IN_WORDS.values(), "scored twice", "counters", "on disk", "in changelogs")
LONG_HEAD = (
    "variant",
    "circumstance",
    "first score after:",
    "with the next model after:",
    "records skipped:",
    "scored twice:",
    "counters",
)
TRACES_HEAD = ("variant", "records:", "on disk:", "in changelogs:")
MEGABYTE = 1_000_000
KILOBYTE = 1_000
PAGE = """\
# What survives, measured

<!-- written by: python -m experiments.survival -->
Measured by `make survival` (`python -m experiments.survival --kills {kills} --rate {rate:g}`): each server is killed
(`kill -9`) {times} in each of three circumstances, while {rate:g} wines a second go on coming. Shown are the
median and, where they differ, the least and the most.

{facts}.

{outcomes}
- **first score after**: from the restart of the process until Kafka has its first score. By then the group had missed
  the killed server; by default that takes it up to 6 s (`--session-timeout-ms`), which come on top.
- **with the next model after**: where a server skips records after its restart, the next model is published as soon as
  it does; from the moment the broker has that model until Kafka has the first score.
- **records skipped, scored twice**: by partition and offset of every record, when all of them are committed.
- **counters**: what the server's own answer says of records scored by the active model, and of records skipped,
  beside what is in Kafka. "from zero": they are not promised to survive.

What lay on disk (the state directory) and in the changelog topics (their logs, before Kafka compacts them) at the end,
after at least {models} models of {model_size}:

{traces}"""


def summary(lives: Sequence[Life]) -> str:
    """The README's table: a row per variant, medians."""
    return table(SHORT_HEAD, map(_short_row, lives))


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which all lives were led."""

    kills: int  # in each circumstance
    per_s: float  # wines
    model_bytes: int
    facts: str  # the machine


def page(lives: Sequence[Life], conditions: Conditions) -> str:
    """The page: a row per variant and circumstance."""
    kills = conditions.kills
    rows = [_long_row(life, circumstance) for life in lives for circumstance in CIRCUMSTANCES]
    traces = [
        (f"`{life.variant}`", f"{life.records:,}", _size(life.disk_bytes), _size(life.changelog_bytes))
        for life in lives
    ]
    return PAGE.format(
        kills=kills,
        rate=conditions.per_s,
        facts=conditions.facts,
        outcomes=table(LONG_HEAD, rows),
        traces=table(TRACES_HEAD, traces),
        times="once" if kills == 1 else f"{kills} times",
        models=kills * len(CIRCUMSTANCES),
        model_size=_size(conditions.model_bytes),
    )


def _short_row(life: Life) -> tuple[str, ...]:
    counters = [_counters(_of(life, circumstance)) for circumstance in CIRCUMSTANCES]
    return (
        f"[`{life.variant}`]({life.variant}/README.md)",
        *(_first_score(_of(life, circumstance)) for circumstance in CIRCUMSTANCES),
        f"{median(outcome.scored_twice for outcome in life.outcomes):,.0f}",
        counters[0] if len(set(counters)) == 1 else " / ".join(counters),
        _size(life.disk_bytes),
        _size(life.changelog_bytes),
    )


def _first_score(outcomes: Sequence[Outcome]) -> str:
    seconds = median(outcome.first_score_s for outcome in outcomes)
    if all(outcome.serves_at_once for outcome in outcomes):
        return f"scores after {seconds:.1f} s"
    return f"skips {median(outcome.skipped for outcome in outcomes):,.0f}, until a model comes"


def _long_row(life: Life, circumstance: Circumstance) -> tuple[str, ...]:
    outcomes = _of(life, circumstance)
    at_once = [outcome for outcome in outcomes if outcome.serves_at_once]
    skipping = [outcome for outcome in outcomes if not outcome.serves_at_once]
    return (
        f"`{life.variant}`",
        IN_WORDS[circumstance],
        _spread(at_once, lambda outcome: outcome.first_score_s, "{:.1f}") + (" s" if at_once else ""),
        _spread(skipping, lambda outcome: outcome.first_score_s, "{:.2f}") + (" s" if skipping else ""),
        _spread(outcomes, lambda outcome: outcome.skipped, "{:,.0f}"),
        _spread(outcomes, lambda outcome: outcome.scored_twice, "{:,.0f}"),
        _counters(outcomes),
    )


def _counters(outcomes: Sequence[Outcome]) -> str:
    off = [outcome.counters_off for outcome in outcomes if outcome.counters_off is not None]
    if not off:
        return "from zero"
    return f"off by up to {max(off):,}" if any(off) else "exact"


def _of(life: Life, circumstance: Circumstance) -> list[Outcome]:
    return [outcome for outcome in life.outcomes if outcome.circumstance == circumstance]


def _spread(outcomes: Sequence[Outcome], figure: Callable[[Outcome], float], style: str) -> str:
    figures = [figure(outcome) for outcome in outcomes]
    if not figures:
        return ""
    middle, least, most = (style.format(each) for each in (median(figures), min(figures), max(figures)))
    return middle if least == most else f"{middle} ({least} - {most})"


def _size(size_bytes: int) -> str:
    if size_bytes == 0:
        return "nothing"
    if size_bytes < MEGABYTE:
        return f"{size_bytes / KILOBYTE:,.1f} kB"
    return f"{size_bytes / MEGABYTE:,.1f} MB"
