"""How fast each variant is, in one run on one broker: ``python -m experiments.throughput``, or ``make bench``."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from client.embedded_kafka import EmbeddedKafka
from client.model_source import shipped_models
from client.stop_signals import interruptible
from client.wine_source import GeneratedWines
from experiments.backlog import Speed, measured
from experiments.machine import facts
from experiments.scene import scene, scratch, wines
from experiments.throughput_page import page
from experiments.variants import VARIANTS, check_variants
from model.errors import ServingError
from serving.command_line import CommandLine, stop_with

MODELS = ("forest-onnx", "linear-onnx")  # the last one is so fast that what is measured is all but the model
SESSION_TIMEOUT_MS = 60_000
"""So that the group keeps a server that is frozen while its backlog is published."""


class ThroughputSettings(CommandLine, env_prefix="BENCH_"):
    """Measures how fast each variant scores a backlog, and writes the table."""

    records: int = Field(300_000, ge=10_000, description="wines in each backlog; there are three for each variant")
    variants: list[str] = Field(list(VARIANTS), description="which variants, separated by commas")
    output: Path = Field(Path("docs/experiments/throughput.md"), description="the page to write")


def speeds(variants: Sequence[str], records: int) -> list[Speed]:
    """Measure these variants, one after the other, on a broker that is started for it."""
    by_name = {model.name: model for model in shipped_models()}
    models = [by_name[name] for name in MODELS]
    backlog = wines(GeneratedWines(), records)
    found: list[Speed] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for variant in variants:
            flags = ("--session-timeout-ms", str(SESSION_TIMEOUT_MS))
            with scene(variant, broker, directory, flags) as here:
                for speed in measured(here, models, backlog):
                    print(f"{speed.variant}, {speed.model}: {speed.records_per_s:,.0f} records/s")
                    found.append(speed)
    return found


def main() -> None:
    """Measure, and write the page."""
    try:
        settings = ThroughputSettings.read("python -m experiments.throughput")
        check_variants(settings.variants)
        with interruptible():
            where = facts()
            text = page(speeds(settings.variants, settings.records), settings.records, where)
            settings.output.write_text(text, "utf-8")
            print(f"written: {settings.output}")
    except ServingError as error:
        stop_with(error)


if __name__ == "__main__":
    main()
