"""The page ``docs/experiments/duplicates.md``, and its plot."""

from collections.abc import Sequence
from pathlib import Path

from experiments.duplicates.rounds import LEAVINGS, SESSION_TIMEOUT_MS, Round
from experiments.markdown import table
from experiments.peers.known import PEERS
from experiments.plots import PALETTE, figure

HEAD = (
    "variant",
    "delivery",
    "the second instance is",
    "records:",
    "scored twice:",
    "by a hand-over:",
    "late:",
    "no score:",
)
PEERS_HEAD = (
    "peer",
    "commits, every s:",
    "the second instance is",
    "records:",
    "scored twice:",
    "that is, of the load, s:",
    "by a hand-over:",
    "late:",
    "no score:",
    "other findings",
)
PAGE = """\
# Duplicates

<!-- written by: python -m experiments.duplicates -->
Measured by `make experiment NAME=duplicates`: {rate:,.0f} wines a second in 3 partitions, {records:,} in all; one
instance scores, a second one joins, scores for a while, and leaves under load. Default settings, but for a session
timeout of {timeout:,} ms.

{facts}.

{rows}
- **stopped**: by SIGTERM: it finishes and commits what is in flight. **frozen**: by SIGSTOP, until the group has given
  its partitions away; then it goes on, and finds that they are another's. **killed**: by `kill -9`.
- **scored twice**: scores of records that had one already. Of these, **by a hand-over**: how many lie between the last
  commit of the partition and what its former owner had scored, each once per hand-over. **late**: how many a frozen
  instance had in flight, behind its last commit, and sent when it went on, behind the scores of the next owner; without
  a transaction no group can keep it from that. The checker (`experiments/checker/`) reads all of it from the topics.
  Any other duplicate, a score out of order, in a wrong partition, or by a model that was not active ends the run with
  an error.
- **no score**: with at-most-once a record is committed before it is scored, and lost when its server dies in between.
  With the other two it must be 0.
"""
PEERS_PART = """\

## The same with a plain faust agent, and with Quix Streams

The same rounds at {rate:,.0f} wines a second, {records:,} in all, with what a user of these engines writes first
([experiments/peers](../../experiments/peers)): one record after the other, and the engine's own defaults, but for the
same session timeout. The model is read outside the group, as this project's is. The second instance scores for at least
its commit interval before it leaves.

{rows}
![What was scored twice, as seconds of the load]({plot})

- **of the load**: scored twice, divided by the wines a second. Each hand-over can bring as much as the time since the
  last commit, so about the commit interval, and a little more where a commit comes late; there are two hand-overs, as
  the second instance joins and as it leaves. It is one round each, so chance has a part in it.
- **other findings**: what else the checker found, counted; for a variant of this project each would be an error.
"""


def page(found: Sequence[Round], facts: str, plot_name: str = "duplicates.png") -> str:
    """The page: a row per round."""
    ours = [each for each in found if not each.plan.is_peer]
    peers = [each for each in found if each.plan.is_peer]
    text = PAGE.format(
        rate=ours[0].plan.per_s,
        records=sum(each.records for each in ours),
        timeout=SESSION_TIMEOUT_MS,
        facts=facts,
        rows=table(HEAD, map(_row, ours)),
    )
    if peers:
        rate, records = peers[0].plan.per_s, sum(each.records for each in peers)
        rows = table(PEERS_HEAD, map(_peer_row, peers))
        text += PEERS_PART.format(rate=rate, records=records, rows=rows, plot=plot_name)
    return text


def _row(each: Round) -> Sequence[str]:
    figures = (each.records, each.duplicates, each.found.explained, each.late, each.found.unscored)
    return f"`{each.plan.name}`", each.plan.delivery, each.plan.leaving, *(f"{figure:,}" for figure in figures)


def _peer_row(each: Round) -> Sequence[str]:
    return (
        f"`{each.plan.name}`",
        f"{PEERS[each.plan.name].commit_interval_s:g}",
        each.plan.leaving,
        f"{each.records:,}",
        f"{each.duplicates:,}",
        f"{each.seconds_twice:.1f}",
        f"{each.found.explained:,}",
        f"{each.late:,}",
        f"{each.found.unscored:,}",
        _others(each),
    )


def _others(each: Round) -> str:
    counted = [f"{kind}: {count:,}" for kind, count in each.kinds.items() if kind != "lost"]
    return "; ".join([*counted, each.ended_by] if each.ended_by else counted)


def plot(found: Sequence[Round], to: Path) -> None:
    """What was scored twice at-least-once, as seconds of the load: a group of bars per server."""
    drawn, axes = figure("Scored twice when an instance leaves", "", "seconds of the load")
    rounds = [each for each in found if each.plan.delivery == "at-least-once"]
    servers = list(dict.fromkeys(each.plan.name for each in rounds))
    width = 0.8 / len(LEAVINGS)
    for number, leaving in enumerate(LEAVINGS):
        of_leaving = {each.plan.name: each.seconds_twice for each in rounds if each.plan.leaving == leaving}
        at = [servers.index(name) + (number - 1) * width for name in of_leaving]
        bars = axes.bar(at, list(of_leaving.values()), width, color=PALETTE[number], label=leaving)
        axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.margins(y=0.1)
    axes.set_xticks(range(len(servers)), servers)
    axes.grid(visible=False, axis="x")
    axes.legend(title="the second instance is")
    drawn.savefig(to)
