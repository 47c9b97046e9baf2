"""What happens in a rebalance, and for how long is nothing scored? ``python -m experiments.rebalance``.

Two members and a broker tell what they do, on one clock; the scores topic tells, without them, how long a partition had
no score. Both must come to the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.files import LOG
from client.terminal.command import command
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.rebalance.group import PARTITIONS, Load, Played, play
from experiments.rebalance.page import IN_WORDS, Measured, draw, page
from experiments.rebalance.protocols import LOGGER, PROTOCOLS, Protocol
from experiments.rebalance.steps import BrokerLine, Kind, broker_lines, longest_gaps, moves
from experiments.scene import scratch
from serving.settings.command_line import CommandLine

MAX_APART = 0.05  # of all moves: a busy machine lets a member wait before it learns that a score is acknowledged


class RebalanceSettings(CommandLine, env_prefix="REBALANCE_"):
    """Has an instance come and go, and takes the time of each step."""

    protocols: Annotated[list[Protocol], Field(min_length=1)] = Field(
        list(PROTOCOLS), description=f"separated by commas: {', '.join(PROTOCOLS)}"
    )
    rounds: int = Field(4, ge=1, description="in each a second instance joins and leaves, and one joins and is killed")
    rate: float = Field(1000, gt=0, le=10_000, description="wines a second")
    settle_s: float = Field(1.0, ge=0, description="after each of these")
    session_timeout_ms: int = Field(6000, ge=1000, description="of each instance; five heartbeats")
    tolerance_ms: int = Field(5, ge=0, description="how far the steps' sum may be from the hole in the scores")
    output: Path = Field(Path("docs/experiments/rebalance.md"), description="the page; its plot lies beside it")


def measured(protocol: Protocol, played: Played, broker: Sequence[BrokerLine]) -> Measured:
    """All partitions that moved, and the longest gaps of those that did not."""
    found = []
    gaps_ms: defaultdict[Kind, list[int]] = defaultdict(list)
    for change in played.changes:
        moved = moves(change, played.scores, played.logs, broker)
        found += moved
        numbers = {each.partition for each in moved}
        gaps = longest_gaps(change, played.scores)
        gaps_ms[change.kind] += [gap for partition, gap in gaps.items() if partition not in numbers]
    scored = len(played.scores) - played.found.duplicates
    return Measured(protocol, found, gaps_ms, scored, played.found.duplicates)


def broken_promises(found: Measured, played: Played, tolerance_ms: int) -> list[str]:
    """What was otherwise than it must be, in words."""
    broken = [f"{found.protocol}: {fault.text}" for fault in played.found.faults]
    if played.found.unscored:
        broken.append(f"{found.protocol}: {played.found.unscored} records have no score")
    expected = len(played.changes) * PARTITIONS // 2
    if len(found.moves) != expected:
        broken.append(f"{found.protocol}: {len(found.moves)} partitions moved, not {expected}")
    for move in found.moves:
        broken += move.broken
    apart = [move for move in found.moves if abs(move.difference_ms) > tolerance_ms]
    if len(apart) > MAX_APART * len(found.moves):
        broken += [
            f"{found.protocol}, {move.change.kind}, partition {move.partition}: the steps take {sum(move.steps_ms)} ms,"
            f" and the hole is {move.hole_ms} ms"
            for move in apart
        ]
    return broken


@command()
def main() -> None:
    """Measure, and write page and plot; exit code 1 where steps and hole differ, or a record is lost."""
    settings = RebalanceSettings.read("python -m experiments.rebalance")
    load = Load(settings.rounds, settings.rate, settings.settle_s, settings.session_timeout_ms)
    where = facts()
    all_played: dict[Protocol, Played] = {}
    with scratch() as directory:
        home = directory / "kafka"
        with EmbeddedKafka(None, home, log_levels={LOGGER: "DEBUG"}) as broker:
            for protocol in dict.fromkeys(settings.protocols):
                (directory / protocol).mkdir()
                played = play(protocol, broker.bootstrap_servers, directory / protocol, load)
                all_played[protocol] = played
                print(f"{PROTOCOLS[protocol].words}: {len(played.changes)} changes of the group")
        lines = broker_lines((home / LOG).read_text("utf-8"))
    found = [measured(protocol, played, lines) for protocol, played in all_played.items()]
    for each in found:
        for move in each.moves:
            steps = " + ".join(map(str, move.steps_ms))
            what = f"{each.protocol}, the second instance {IN_WORDS[move.change.kind]}"
            print(f"{what}: {steps} = {sum(move.steps_ms)} ms; the hole: {move.hole_ms} ms")
    settings.output.write_text(page(found, load, settings.tolerance_ms, where), "utf-8")
    draw(found, settings.output.with_suffix(".png"))
    print(f"written: {settings.output}, and its plot")
    broken = [
        text for each in found for text in broken_promises(each, all_played[each.protocol], settings.tolerance_ms)
    ]
    if broken:
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
