"""How fast the peers are, beside this project's variants: ``python -m experiments.peers``."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from client.wines.source import GeneratedWines
from experiments.machine import facts
from experiments.peers.known import PEERS, check_peers
from experiments.peers.page import page, plot
from experiments.scene import scene, scratch, wines
from experiments.throughput.backlog import Speed, measure
from experiments.throughput.contenders import FASTEST
from experiments.variants import VARIANTS, check_variants
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

SESSION_TIMEOUT_MS = 60_000
"""So that the group keeps a server that is frozen while its backlog is published."""


class PeersSettings(CommandLine, env_prefix="PEERS_"):
    """Measures how fast each peer and each variant scores the same backlog, and writes the table."""

    records: int = Field(50_000, ge=10_000, description="wines in each backlog")
    variants: list[str] = Field(list(VARIANTS), description=f"separated by commas: {', '.join(VARIANTS)}")
    peers: list[str] = Field(list(PEERS), description=f"separated by commas: {', '.join(PEERS)}")
    output: Path = Field(Path("docs/experiments/peers.md"), description="the page; the plot goes beside it")


def measurements(servers: Mapping[str, Path], model: ModelDescriptor, backlog: Sequence[bytes]) -> list[Speed]:
    """Measure these, one after the other on one broker.

    Args:
        servers: by the package whose ``server`` is the program, the interpreter that runs it.
    """
    flags = ("--session-timeout-ms", str(SESSION_TIMEOUT_MS))
    speeds: list[Speed] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for server, python in servers.items():
            prefix = server.rpartition(".")[2]
            with scene(server, broker.bootstrap_servers, directory, flags, prefix, python=python) as here:
                here.server.start()
                here.server.wait_until_ready()
                speeds += measure(here, "at-least-once", [model], backlog)
            print(f"{prefix}: {speeds[-1].records_per_s:,.0f} records/s")
    return speeds


@command()
def main() -> None:
    """Measure, and write the page."""
    settings = PeersSettings.read("python -m experiments.peers")
    check_variants(settings.variants)
    check_peers(settings.peers)
    where = facts()
    model = shipped_model(FASTEST)
    backlog = wines(GeneratedWines(), settings.records)
    servers = {name: Path(sys.executable) for name in settings.variants}
    servers |= {PEERS[name].module: PEERS[name].python for name in settings.peers}
    speeds = measurements(servers, model, backlog)
    settings.output.write_text(page(speeds, settings.records, where), "utf-8")
    plot(speeds, settings.output.with_suffix(".png"))
    print(f"written: {settings.output}")


if __name__ == "__main__":
    main()
