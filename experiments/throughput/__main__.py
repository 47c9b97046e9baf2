"""How fast each variant is, in one run on one broker: ``python -m experiments.throughput``, or ``make bench``."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_models
from client.terminal.command import command
from client.wines.source import GeneratedWines
from experiments.machine import facts
from experiments.scene import scene, scratch, wines
from experiments.throughput.backlog import WARM_UP_RECORDS, Speed, measure, warm_up
from experiments.throughput.contenders import LIMIT, USUAL, YARDSTICK, Contender, contenders
from experiments.throughput.latency import Latency, latency
from experiments.throughput.page import page
from experiments.variants import VARIANTS, check_variants
from serving.settings.command_line import CommandLine

SESSION_TIMEOUT_MS = 60_000
"""So that the group keeps a server that is frozen while its backlog is published."""
STEADY_PER_S = 1000


class ThroughputSettings(CommandLine, env_prefix="BENCH_"):
    """Measures how fast each variant scores a backlog, and writes the table."""

    records: int = Field(
        600_000, ge=10_000, description="wines in each backlog; there is one for each model, and one more"
    )
    steady_s: float = Field(10.0, gt=0, description="how long latencies are measured")
    variants: list[str] = Field(list(VARIANTS), description="which variants, separated by commas")
    output: Path = Field(Path("docs/experiments/throughput.md"), description="the page to write")


def measurements(
    chosen: Sequence[Contender], records: int, steady_s: float
) -> tuple[Sequence[Speed], Sequence[Latency]]:
    """Measure these, one after the other, on a broker that is started for it."""
    shipped = {model.name: model for model in shipped_models()}
    backlog = wines(GeneratedWines(), records)
    speeds: list[Speed] = []
    latencies: list[Latency] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for each in chosen:
            flags = ("--session-timeout-ms", str(SESSION_TIMEOUT_MS), *each.flags)
            models = [shipped[name] for name in each.models]
            with scene(each.variant, broker.bootstrap_servers, directory, flags, each.name) as here:
                here.server.start()
                here.server.wait_until_ready()
                if each.delivery == "at-least-once" and each.variant != LIMIT:
                    here.activate(models[-1])
                    warm_up(here, backlog[:WARM_UP_RECORDS])
                    latencies.append(latency(here, STEADY_PER_S, steady_s))
                if (each.variant, each.delivery) == (YARDSTICK, "at-least-once"):
                    swapped = [shipped[name] for name in USUAL]
                    latencies.append(latency(here, STEADY_PER_S, steady_s, swapped))
                for speed in measure(here, each.delivery, models, backlog):
                    print(f"{speed.variant}, {speed.delivery}, {speed.model}: {speed.records_per_s:,.0f} records/s")
                    speeds.append(speed)
    return speeds, latencies


@command()
def main() -> None:
    """Measure, and write the page."""
    settings = ThroughputSettings.read("python -m experiments.throughput")
    check_variants(settings.variants)
    where = facts()
    speeds, latencies = measurements(contenders(settings.variants), settings.records, settings.steady_s)
    text = page(speeds, latencies, settings.records, where)
    settings.output.write_text(text, "utf-8")
    print(f"written: {settings.output}")


if __name__ == "__main__":
    main()
