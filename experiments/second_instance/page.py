"""The page ``docs/experiments/second_instance.md``, and its plot."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.markdown import table
from experiments.plots import PALETTE, figure
from experiments.second_instance.measuring import Round

READ = {"in-group": "inside the group", "outside": "outside"}
HEAD = (
    "models are read",
    "instance",
    "partitions:",
    "records:",
    "by the active model:",
    "by an older model:",
    "skipped:",
)
ORDINALS = ("first", "second")
SKIPPED = "#bbbbbb"
BINS = 60
PAGE = """\
# A second instance

<!-- written by: python -m experiments.second_instance -->
Two instances share the partitions of the data topic. Who brings both of them each new model? Measured by
`python -m experiments second-instance --models {models} --rate {rate:g} --hold-s {hold:g}`: one instance scores with
the first model, a second one joins, and the other models replace each other under a load of {rate:g} wines a second.

{facts}.

{rows}
![Share of the records scored by each model, per instance]({plot})

- **inside the group**: the server's one consumer subscribes to both topics, as the JVM tutorial's did. The group gives
  each partition to one instance: that of the models topic, too. Since the second instance came, it alone hears of new
  models. The first goes on with the model it has, for ever, and reports no error. The second has no model until the
  next one is published: it skips. More partitions for the models topic do not help: the models of one data type have
  one key, and so one partition.
- **outside**: each instance reads the models topic itself, and commits nothing there; so do all five variants
  (`serving/models/feed.py`). It is the same small server (`experiments/second_instance/plain/`), with this one
  difference.
- **records**: those sent since both instances had their partitions, each counted once, by partition and offset. **by an
  older model**: the checker's `wrong model`: {takeover:.1f} s after the next model was published, which is what the
  slowest swap took, it still scored. **skipped**: without any score. Outside both must be 0, or the run ends with an
  error.
"""


def page(rounds: Sequence[Round], models: int, rate: float, hold_s: float, plot: str, facts: str) -> str:
    """The page: a row per round and instance."""
    rows = [
        (
            READ[each.reading],
            ordinal,
            ", ".join(map(str, share.partitions)),
            f"{share.records:,}",
            f"{share.right:,}",
            f"{share.wrong:,}",
            f"{share.skipped:,}",
        )
        for each in rounds
        for ordinal, share in zip(ORDINALS, each.shares, strict=True)
    ]
    return PAGE.format(
        models=models,
        rate=rate,
        hold=hold_s,
        facts=facts,
        rows=table(HEAD, rows),
        plot=plot,
        takeover=max(each.takeover_ms for each in rounds) / 1000,
    )


def draw(rounds: Sequence[Round], output: Path) -> None:
    """A strip per round and instance, from left to right in time, in the colours of the models that scored."""
    drawn, axes = figure("Which model scored the records", "seconds", "")
    strips = [(each, number) for each in rounds for number in range(len(ORDINALS))]
    for row, (each, number) in enumerate(reversed(strips)):
        _strip(axes, row, each, number)
    axes.set_yticks([row + 0.4 for row in range(len(strips))])
    axes.set_yticklabels([f"{READ[each.reading]},\n{ORDINALS[number]} instance" for each, number in reversed(strips)])
    axes.grid(visible=False)
    names = list(dict.fromkeys(each.model for each in rounds[0].run.published))
    colours = [*PALETTE[: len(names)], SKIPPED]
    for name, colour in zip([*names, "none: skipped"], colours, strict=True):
        axes.bar(0, 0, color=colour, label=name)
    axes.plot([], [], color="black", linewidth=1, label="published")
    drawn.legend(loc="outside lower center", ncols=len(colours) + 1, fontsize=9, handlelength=1)
    drawn.savefig(output)


def _strip(axes: Any, row: int, each: Round, number: int) -> None:
    names = list(dict.fromkeys(published.model for published in each.run.published))
    colours = dict(zip([*names, None], [*PALETTE[: len(names)], SKIPPED], strict=True))
    begin_ms, end_ms = each.load_ms
    width_s = (end_ms - begin_ms) / 1000 / BINS
    scored = {(score.source_partition, score.source_offset): score.model for score in each.run.outcomes}
    bins: list[Counter[str | None]] = [Counter() for _ in range(BINS)]
    for record, at_s in zip(each.run.sent, _times_s(each), strict=True):
        joined = record.offset >= each.begin.get(record.partition, 0)
        if (record.partition in each.instances[number]) if joined else number == 0:
            bins[min(int(at_s / width_s), BINS - 1)][scored.get((record.partition, record.offset))] += 1
    for at, models in enumerate(bins):
        bottom = float(row)
        for model in [*names, None]:
            height = 0.8 * models[model] / models.total() if models else 0.0
            axes.bar(at * width_s, height, width_s, bottom, align="edge", color=colours[model])
            bottom += height
    for published in each.run.published:
        x = (published.at_ms - begin_ms) / 1000
        if x > 0:
            axes.plot([x, x], [row, row + 0.8], color="black", linewidth=1)


def _times_s(each: Round) -> Sequence[float]:
    """When each record came, since the load began: nobody says so of those that were skipped.

    The load reaches all partitions alike. So a record came when one at the same place of another partition was scored:
    of that with the most scores.
    """
    sent = Counter(record.partition for record in each.run.sent)
    fullest = Counter(score.source_partition for score in each.run.outcomes).most_common(1)[0][0]
    known = np.array(
        sorted(
            (score.source_offset / sent[fullest], (score.at_ms - each.load_ms[0]) / 1000)
            for score in each.run.outcomes
            if score.source_partition == fullest
        )
    )
    places = [record.offset / sent[record.partition] for record in each.run.sent]
    found: Sequence[float] = np.interp(places, known[:, 0], known[:, 1]).clip(0).tolist()
    return found
