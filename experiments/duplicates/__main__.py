"""All rounds, and the page: ``python -m experiments.duplicates``."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from experiments.duplicates.page import page, plot
from experiments.duplicates.rounds import LEAVINGS, Leaving, Plan, Round, measure
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.peers.known import PEERS, Peer, check_peers
from experiments.scene import scratch
from experiments.variants import VARIANTS, check_variants, variant
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

MODEL = "linear-onnx"


class DuplicatesSettings(CommandLine, env_prefix="DUPLICATES_"):
    """Has instances come and go under load, and explains every duplicate."""

    records: int = Field(1_000_000, ge=1000, description="in all rounds of the variants together")
    rate: float = Field(8000, gt=0, le=50_000, description="wines a second")
    variants: list[str] = Field(["custom_stage"], description=f"separated by commas: {', '.join(VARIANTS)}")
    peer_records: int = Field(45_000, ge=0, description="in all rounds of the peers together; 0: no such rounds")
    peer_rate: float = Field(
        500, gt=0, le=50_000, description="wines a second, which one instance of any peer can score"
    )
    peers: list[str] = Field(list(PEERS), description=f"separated by commas: {', '.join(PEERS)}")
    output: Path = Field(Path("docs/experiments/duplicates.md"), description="the page; the plot goes beside it")


def plans(settings: DuplicatesSettings) -> Sequence[Plan]:
    """The rounds: each delivery mode of each variant with each way to leave, then each peer with each."""
    modes = [(name, mode) for name in settings.variants for mode in variant(name).guarantees.delivery]
    each = settings.records // (len(modes) * len(LEAVINGS))
    ours = [
        Plan(name, mode, leaving, each, settings.rate, _flags(name, mode))
        for name, mode in modes
        for leaving in LEAVINGS
    ]
    if not settings.peer_records:
        return ours
    each = settings.peer_records // (len(settings.peers) * len(LEAVINGS))
    peers = [PEERS[name] for name in settings.peers]
    return ours + [_of_peer(peer, leaving, each, settings.peer_rate) for peer in peers for leaving in LEAVINGS]


def _of_peer(peer: Peer, leaving: Leaving, records: int, per_s: float) -> Plan:
    return Plan(
        peer.module,
        "at-least-once",
        leaving,
        records,
        per_s,
        scores_s=peer.commit_interval_s,  # so that it could have committed
        python=peer.python,
        is_peer=True,
    )


def _flags(name: str, delivery: str) -> Sequence[str]:
    return ("--delivery", delivery) if len(variant(name).guarantees.delivery) > 1 else ()


def play(planned: Sequence[Plan], model: ModelDescriptor) -> list[Round]:
    """All rounds, one after the other on one broker."""
    found: list[Round] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for number, plan in enumerate(planned):
            found.append(measure(plan, broker.bootstrap_servers, directory, f"round{number}", model))
            print(progress(found[-1]))
    return found


def progress(last: Round) -> str:
    """One line on a round."""
    plan, found = last.plan, last.found
    explained = f"{found.explained} explained by hand-overs, {last.late} late"
    return f"{plan.name}, {plan.delivery}, {plan.leaving}: {last.duplicates} scored twice, {explained}"


@command()
def main() -> None:
    """Measure, and write the page; exit code 1 where a duplicate is not explained, or another promise was not kept."""
    settings = DuplicatesSettings.read("python -m experiments.duplicates")
    check_variants(settings.variants)
    if settings.peer_records:
        check_peers(settings.peers)
    where = facts()
    model = shipped_model(MODEL)
    found = play(plans(settings), model)
    settings.output.write_text(page(found, where), "utf-8")
    plot(found, settings.output.with_suffix(".png"))
    print(f"written: {settings.output}")
    if broken := [text for each in found for text in each.broken]:
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
