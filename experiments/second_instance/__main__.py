"""What does a second instance change? ``python -m experiments.second_instance``.

The models topic is read inside the consumer group, and outside. Two instances score under load while models replace
each other; counted is who scored with which model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.scene import scene, scratch
from experiments.second_instance.measuring import SERVER, Round, flags, measure
from experiments.second_instance.page import draw, page
from experiments.second_instance.plain.settings import Reading
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

MODEL = "linear-onnx"
READINGS: Sequence[Reading] = get_args(Reading)


class SecondInstanceSettings(CommandLine, env_prefix="SECOND_INSTANCE_"):
    """Has two instances score while models replace each other."""

    models: int = Field(5, ge=2, le=5, description="how many models, one after the other")
    rate: float = Field(1000, gt=0, le=20_000, description="wines a second")
    hold_s: float = Field(6, gt=0, description="how long each model stays active")
    output: Path = Field(Path("docs/experiments/second_instance.md"), description="the page; the plot goes beside it")


def numbered(model: ModelDescriptor, n: int) -> list[ModelDescriptor]:
    """The same model n times, under names that tell its scores apart."""
    made = []
    for number in range(1, n + 1):
        each = ModelDescriptor()
        each.CopyFrom(model)
        each.name = f"model {number}"
        made.append(each)
    return made


def broken_promises(rounds: Sequence[Round]) -> list[str]:
    """Outside the group every instance has every model; inside it one of them has not."""
    broken = []
    for each in rounds:
        wrong, skipped = (sum(getattr(share, name) for share in each.shares) for name in ("wrong", "skipped"))
        if each.reading == "outside" and wrong + skipped:
            broken.append(f"read outside the group: {wrong} records scored by an older model, {skipped} skipped")
        if each.reading == "in-group" and not wrong:
            broken.append("read inside the group: every instance had every model")
    return broken


@command()
def main() -> None:
    """Measure, and write the page; exit code 1 where an instance had not the model it should have."""
    settings = SecondInstanceSettings.read("python -m experiments.second_instance")
    where = facts()
    shipped = shipped_model(MODEL)
    models = numbered(shipped, settings.models)
    rounds: list[Round] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for reading in READINGS:
            with scene(SERVER, broker.bootstrap_servers, directory, flags(reading), reading) as here:
                hold_records = int(settings.hold_s * settings.rate)
                rounds.append(measure(here, reading, models, settings.rate, hold_records))
            for share in rounds[-1].shares:
                print(f"{reading}: {share}")
    plot = settings.output.with_suffix(".png")
    draw(rounds, plot)
    text = page(rounds, settings.models, settings.rate, settings.hold_s, plot.name, where)
    settings.output.write_text(text, "utf-8")
    print(f"written: {settings.output}, {plot}")
    if broken := broken_promises(rounds):
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
