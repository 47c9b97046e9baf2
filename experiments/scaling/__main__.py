"""What does a record cost with more instances and partitions? ``python -m experiments.scaling``."""

from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from client.wines.source import GeneratedWines
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.scaling.cells import SESSION_TIMEOUT_MS, Series, series
from experiments.scaling.page import draw, page
from experiments.scene import scratch, wines
from experiments.throughput.contenders import FASTEST
from experiments.variants import VARIANTS, check_variants
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine


class ScalingSettings(CommandLine, env_prefix="SCALING_"):
    """Measures the processor time of a record in groups of several sizes, and writes the table and the plot."""

    records: int = Field(150_000, ge=1000, description="wines in each backlog")
    partitions: list[int] = Field([3, 6, 12], description="of the data topic, separated by commas")
    instances: list[int] = Field([1, 2, 3, 6], description="of the group, separated by commas; at most one a partition")
    variants: list[str] = Field(
        ["custom_stage", "streams_kvstore"], description=f"separated by commas: {', '.join(VARIANTS)}"
    )
    output: Path = Field(Path("docs/experiments/scaling.md"), description="the page; the plot goes beside it, as .png")


def measurements(settings: ScalingSettings, model: ModelDescriptor) -> list[Series]:
    """Every variant on topics of every number of partitions, on one broker; the variants take turns."""
    backlog = wines(GeneratedWines(), settings.records)
    found: list[Series] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for partitions in sorted(settings.partitions):
            counts = sorted(count for count in settings.instances if count <= partitions)
            for variant in settings.variants:
                found.append(series(variant, partitions, counts, backlog, model, broker, directory))
                for cost in found[-1].costs:
                    text = f"{cost.instances} instances: {cost.cpu_us_per_record:.2f} µs/record"
                    print(f"{variant}, {partitions} partitions, {text}")
    return sorted(found, key=lambda each: settings.variants.index(each.variant))


@command()
def main() -> None:
    """Measure, and write the page; exit code 1 where a record was lost, or scored twice."""
    settings = ScalingSettings.read("python -m experiments.scaling")
    check_variants(settings.variants)
    where = facts()
    model = shipped_model(FASTEST)
    found = measurements(settings, model)
    plot = settings.output.with_suffix(".png")
    draw(found, plot)
    text = page(found, model.name, SESSION_TIMEOUT_MS / 1000, plot.name, where)
    settings.output.write_text(text, "utf-8")
    print(f"written: {settings.output}")
    if broken := [text for each in found for text in each.broken]:
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
