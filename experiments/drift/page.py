"""The page and the plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from experiments.drift.canary import CANARY
from experiments.drift.load import Traffic
from experiments.drift.scenario import Observed, RollBack
from experiments.drift.sensitivity import AT_MOST
from experiments.drift.versions import SHIFT
from experiments.drift.windows import Windows
from experiments.markdown import table
from experiments.plots import PALETTE, figure

MAX_ROLL_BACK_MS = 1000
LINEAGE_HEAD = ("s:", "event", "data type", "model", "SHA-256", "by", "why")
CARD_HEAD = ("model", "parent", "trained on", "error on its card:", "error on the stream:")
ROLL_BACK_HEAD = ("data type", "bad model", "back to", "after the alarm, s:", "scored by the bad model:")
SEEN_HEAD = ("what rises", "labels until the alarm:")
PAGE = """\
# Drift: a bad model is found by its labels, and taken back

<!-- written by: python -m experiments.drift -->
Measured by `make experiment NAME=drift` on `{variant}`: {per_s:g} wines a second; the label of a wine comes
{late_s:g} s after it, on a topic of its own.

{facts}.

A monitor beside the server (`experiments/drift/monitor.py`) joins scores and labels by record id, keeps the mean error
of each model in windows of a second, and gives every error to ADWIN (river). At an alarm it publishes the former good
model again: that is all that a roll-back is here.

![The mean error of each model over time, with alarms and roll-backs]({plot})

## Who did what

All of it is in the topic `PREFIX_model_events`, which is only ever appended to; this table is read from there.

{lineage}
{cards}
- **error**: mean absolute error in points of quality. The card is what the makers say: they measured before the export,
  which then added {shift:g} to every score. That a card looks well is why there is a canary.

## The canary

{share:.0%} of the wines, chosen by a hash of the record id (`experiments/drift/canary.py`). A server has one active
model per data type, so the canary is a data type of its own, `{canary}`: **who publishes a record asks the hash which
of the two to write into it**. No server knows of it. While there is no candidate, both have the same model.

Of {records:,} ids the hash chooses {predicted:,}; published for the canary were {published:,}, scored by its models
{scored:,}: the same ids.

## The roll-backs

{roll_backs}
- **after the alarm**: until the good model scored and the bad one no longer did. That the labels are late is not in
  it: they decide how long a bad model scores *before* the alarm.
- **scored by the bad model**: what users got of it. Compare the first row, a canary, with the two rows of the model
  that went to all records at once.
- Nothing lost, nothing doubled: the checker read {records:,} records with {faults} faults and {duplicates} duplicates.
- The last alarms have no roll-back: the model had long been good, so the world has changed (here: tasters who give a
  point less), and no former model knows more of that. A model that has {trial:,} labels and no alarm is trusted.

## What ADWIN sees

{seen}
- The first row: an error is 0 or 1, and 1 in 25 % of all cases, then in 50 %. In the others the linear model's errors
  are divided by 2 and cut at 1. All rises come after 2,000 stable labels; medians of {runs} runs. "-": not within
  {at_most:,} labels: **so small a harm is found only by more labels**.
- Stable: {stable_runs} runs of {stable_records:,} records, model and wines unchanged: **{false_alarms} alarms**.
- ADWIN watches a data type and not a model: a model that is bad from its first record on never gets worse itself.

## Copying it

- The join keeps at most 100,000 scores and as many labels that wait. A label that comes before its score waits for it;
  a score whose label never comes makes room in the end, and is counted (here {unlabelled}; labels without score:
  {unscored}). A score that is redelivered replaces the first one while that waits, and counts as unlabelled afterwards.
- Each version of a model needs a name of its own: a score says the name and no more.
- After a restart the monitor knows models and events from their topics; windows and ADWIN begin empty. The models topic
  is compacted: keep the bytes in a registry, too, by the SHA-256 of the event. What the monitor cannot find, it does
  not go back to, and says so in the alarm.
"""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the detector saw, without Kafka."""

    runs: int  # of each rise
    seen: Sequence[tuple[str, float]]  # what rose; the median of labels until the alarm
    stable_records: int
    false_alarms: Sequence[int]  # of each stable run


def broken(observed: Observed, sensitivity: Sensitivity) -> list[str]:
    """The promises that were not kept, in words."""
    texts = [f"{data_type}: {fault.text}" for data_type, each in observed.found.items() for fault in each.faults]
    texts += [
        f"{data_type}: {each.duplicates} duplicates" for data_type, each in observed.found.items() if each.duplicates
    ]
    if not observed.predicted == observed.published == observed.scored:
        texts.append(f"the canary got {len(observed.published)} records, by their ids {len(observed.predicted)}")
    for each in observed.roll_backs:
        if each.took_ms > MAX_ROLL_BACK_MS:
            texts.append(f"{each.data_type}: back to {each.good} took {each.took_ms / 1000:.2f} s")
    if sum(sensitivity.false_alarms):
        texts.append(f"{sum(sensitivity.false_alarms)} alarms on stable records")
    return texts


def page(
    variant: str, traffic: Traffic, trial: int, observed: Observed, sensitivity: Sensitivity, plot: str, facts: str
) -> str:
    """The page; ``plot``: the picture's file name beside it."""
    return PAGE.format(
        variant=variant,
        per_s=traffic.per_s,
        late_s=traffic.late_s,
        share=traffic.share,
        facts=facts,
        plot=plot,
        lineage=table(LINEAGE_HEAD, _lineage(observed)),
        cards=table(CARD_HEAD, _cards(observed)),
        shift=SHIFT,
        canary=CANARY,
        records=observed.records,
        predicted=len(observed.predicted),
        published=len(observed.published),
        scored=len(observed.scored),
        roll_backs=table(ROLL_BACK_HEAD, map(_roll_back, observed.roll_backs)),
        faults=sum(len(each.faults) for each in observed.found.values()),
        duplicates=sum(each.duplicates for each in observed.found.values()),
        trial=trial,
        seen=table(SEEN_HEAD, [(what, "-" if n >= AT_MOST else f"{n:,.0f}") for what, n in sensitivity.seen]),
        runs=sensitivity.runs,
        at_most=AT_MOST,
        stable_runs=len(sensitivity.false_alarms),
        stable_records=sensitivity.stable_records,
        false_alarms=sum(sensitivity.false_alarms),
        unlabelled=observed.unmatched[0],
        unscored=observed.unmatched[1],
    )


def _lineage(observed: Observed) -> list[tuple[str, ...]]:
    return [
        (
            f"{(each.at_ms - observed.begin_ms) / 1000:.1f}",
            each.event + (f" to {each.to}" if each.to else ""),
            f"`{each.data_type}`",
            each.name,
            f"`{each.sha256[:8]}`",
            each.by,
            each.why,
        )
        for each in observed.events
    ]


def _cards(observed: Observed) -> list[tuple[str, ...]]:
    return [
        (
            each.name,
            each.card.parent or "",
            each.card.trained_on,
            f"{each.card.held_out_error:.2f}",
            f"{stream_error(observed.windows, each.name, observed.changed_ms):.2f}",
        )
        for each in observed.events
        if each.card is not None
    ]


def stream_error(windows: Windows, model: str, until_ms: int) -> float:
    """A model's mean error in the windows that end by then, which have some of its records."""
    width_ms = _width_ms(windows)
    sums = [each for (name, begin_ms), each in windows.items() if name == model and begin_ms + width_ms <= until_ms]
    return sum(each.total for each in sums) / sum(each.records for each in sums)


def _width_ms(windows: Windows) -> int:
    """Windows begin at multiples of their width: all of them that follow each other are one width apart."""
    begins = sorted({begin_ms for _, begin_ms in windows})
    return min((after - before for before, after in pairwise(begins)), default=0)


def _roll_back(each: RollBack) -> tuple[str, ...]:
    took = f"{each.took_ms / 1000:.2f}"
    return f"`{each.data_type}`", each.bad, each.good, took, f"{each.bad_records:,}"


def draw(observed: Observed, path: Path) -> None:
    """The mean error of each model over time, with what was done."""
    drawn, axes = figure("Error by the time of the score, and what was done", "s", "mean error, points")
    names = list(dict.fromkeys(name for name, _ in observed.windows))
    for name, colour in zip(names, PALETTE, strict=False):
        points = sorted((begin_ms, each.mean) for (of, begin_ms), each in observed.windows.items() if of == name)
        middle_ms = _width_ms(observed.windows) / 2
        seconds = [(begin_ms + middle_ms - observed.begin_ms) / 1000 for begin_ms, _ in points]
        axes.plot(seconds, [error for _, error in points], ".-", label=name, color=colour)
    marks: dict[str, dict[str, Any]] = {
        "alarm": {"label": "alarm", "color": PALETTE[4], "linewidth": 6, "alpha": 0.5},
        "rolled back": {"label": "roll-back", "color": "black", "linewidth": 1},
    }
    named = set()
    for event in observed.events:
        if event.event in marks:
            once = {"label": None} if event.event in named else {}
            axes.axvline((event.at_ms - observed.begin_ms) / 1000, **marks[event.event] | once)
            named.add(event.event)
    axes.set_ylim(bottom=0)
    axes.legend(ncols=3, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    drawn.savefig(path)
