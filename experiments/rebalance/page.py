"""The page: a row for each protocol and change, and the plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from experiments.markdown import table
from experiments.plots import PALETTE, STYLE
from experiments.rebalance.group import Load
from experiments.rebalance.protocols import PROTOCOLS, Protocol
from experiments.rebalance.steps import STEPS, Kind, Move

KINDS: Sequence[Kind] = get_args(Kind)
HEAD = (
    "protocol",
    "the second instance",
    *(f"{name}:" for name in STEPS),
    "sum:",
    "hole:",
    "difference:",
    "all holes:",
    "did not move:",
)
IN_WORDS: Mapping[Kind, str] = {"joins": "joins", "leaves": "is stopped", "killed": "is killed"}
COLOURS = (*PALETTE, "#888888")
PAGE = """\
# A rebalance, step by step

<!-- written by: python -m experiments.rebalance -->
Measured by `python -m experiments.rebalance --rounds {rounds} --rate {rate:g}`: {rate:g} wines a second, 4 partitions.
One instance scores; a second one joins, and gets two of the partitions; it is stopped, or killed by `kill -9`, and the
first one has all four again. In each round both, for each way in which a group agrees. A heartbeat comes each
{heartbeat} ms; a member is given up after {timeout} ms without.

{facts}.

{rows}
All in ms. A row is one partition that moved: of all that were measured ({moves}), that with the median hole.

1. **notice**: from the last score of the former owner until it begins to give the partition back; where it was killed,
   until the coordinator gives it up.
2. **commit**: until its offsets are committed. A killed one commits nothing, and the next owner scores again what was
   scored since the last commit.
3. **regroup**: until the coordinator (broker) has heard of all that it must hear of.
4. **assign**: until the next owner is told its partitions.
5. **position**: until it knows where the group had committed.
6. **fetch**: until it has the first records; of its second new partition they come behind what waits in the first.
7. **score**: until Kafka has acknowledged their scores.

- **hole**: from the last score of the former owner to the first one of the next, by the broker's time stamps in the
  scores topic (`LogAppendTime`), and who has scored it by a header. **difference**: of the steps' sum, which comes from
  the logs of both members and of the broker, and this. Of the {moves}, {within} were within {tolerance} ms
  (fewer than 19 of 20, and the run ends with an error), the largest was {difference} ms: the time by which a member
  learns late, or early, that the broker has its score. For each end of each hole the broker's time stamp must lie
  between two clock readings of the member, before it hands the score over and when it is acknowledged.
- **all holes**: the shortest and the longest.
- **did not move**: the longest time without a score in a partition that stayed with its owner.

![The steps of the rows above](rebalance.png)

How long the coordinator knew of a new instance before the former owner began to give partitions back (median): {asked}.
It hears of it with its next heartbeat, and scores until then: this is no part of the hole.

What one sees, and what follows:

- **Joining is cheap with `classic`**: the hole is a few round trips, because both members wait in the group at the same
  moment. With `consumer` the next owner learns that a partition is free with its own next heartbeat: up to a heartbeat
  interval ({heartbeat} ms here, 5 s by the broker's default) in which nobody scores it. Cooperative takes two
  rebalances, one after the other, and librdkafka lets up to a second pass between two joins, which it skips with
  `classic` alone.
- **What does not move can stand still, too** (the last column). With `classic` each member gives back all it has, and
  scores of what it kept come behind what waits in the partitions that it got. The two others revoke what moves, and
  nothing else; yet librdkafka hands over no records of the kept partitions for a while after others were revoked. Its
  members were seen asking for records and getting none; why is open.
- **An instance that is stopped leaves at once; the others hear of it with their next heartbeat.** This is nearly all of
  the hole, with each protocol. A shorter heartbeat interval shortens it.
- **An instance that is killed costs about its session timeout**, with each protocol, and then up to a heartbeat
  interval until the others hear of it.

The members are a small confluent-kafka program of the experiment's own (`experiments/rebalance/member.py`) with
`actors_persistent`'s client settings and the scoring that all variants share; `actors_persistent` itself takes back all
its partitions at a revocation, as `classic` wants it, while the two others revoke what moves and nothing else. It waits
for the acknowledgement of each batch before the next, so that there is nothing to finish in step 2; a server finishes
up to two batches there. Nothing was lost, and the checker explains each of the {duplicates} duplicates by a commit that
an instance was killed before ({scored} records).
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one protocol."""

    protocol: Protocol
    moves: Sequence[Move]
    gaps_ms: Mapping[Kind, Sequence[int]]  # the longest of each partition that did not move
    records: int
    duplicates: int

    def median_move(self, kind: Kind) -> Move:
        """That with the median hole."""
        found = self.of(kind)
        return found[len(found) // 2]

    def of(self, kind: Kind) -> Sequence[Move]:
        """All of a kind, the shortest hole first."""
        return sorted((each for each in self.moves if each.change.kind == kind), key=lambda each: each.hole_ms)


def page(measured: Sequence[Measured], load: Load, tolerance_ms: int, where: str) -> str:
    """The page, whose plot lies beside it."""
    moves = [move for each in measured for move in each.moves]
    return PAGE.format(
        rounds=load.rounds,
        rate=load.per_s,
        heartbeat=load.heartbeat_ms,
        timeout=load.session_timeout_ms,
        facts=where,
        rows=table(HEAD, [_row(each, kind) for kind in KINDS for each in measured]),
        moves=len(moves),
        tolerance=tolerance_ms,
        within=sum(abs(move.difference_ms) <= tolerance_ms for move in moves),
        difference=max(abs(move.difference_ms) for move in moves),
        asked=", ".join(f"{_asked_ms(each):,} ms with `{each.protocol}`" for each in measured),
        duplicates=sum(each.duplicates for each in measured),
        scored=f"{sum(each.records for each in measured):,}",
    )


def draw(measured: Sequence[Measured], path: Path) -> None:
    """A panel for each change, a bar for each protocol."""
    from matplotlib import pyplot

    with pyplot.style.context(STYLE):
        drawn, panels = pyplot.subplots(len(KINDS), 1, figsize=(7.5, 5.4), layout="constrained")
        for kind, axes in zip(KINDS, panels, strict=True):
            for row, each in enumerate(measured):
                left = 0
                for name, took_ms, colour in zip(STEPS, each.median_move(kind).steps_ms, COLOURS, strict=True):
                    axes.barh(row, took_ms, left=left, color=colour, label=name if row == 0 else None)
                    left += took_ms
            axes.set(title=f"The second instance {IN_WORDS[kind]}", xlabel="ms without a score", xlim=(0, None))
            axes.set_yticks(range(len(measured)), [PROTOCOLS[each.protocol].words for each in measured])
            axes.invert_yaxis()
            axes.grid(visible=False, axis="y")
        drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(STEPS), fontsize=9)
        drawn.savefig(path)
        pyplot.close(drawn)


def _row(measured: Measured, kind: Kind) -> Sequence[str]:
    move, holes = measured.median_move(kind), [each.hole_ms for each in measured.of(kind)]
    figures = (*move.steps_ms, sum(move.steps_ms), move.hole_ms, move.difference_ms)
    return (
        PROTOCOLS[measured.protocol].words,
        IN_WORDS[kind],
        *(f"{each:,}" for each in figures),
        f"{holes[0]:,} - {holes[-1]:,}",
        f"{max(measured.gaps_ms[kind]):,}",
    )


def _asked_ms(measured: Measured) -> int:
    waits_ms = sorted(each.moments_ms[1] - each.asked_ms for each in measured.of("joins"))
    return waits_ms[len(waits_ms) // 2]
