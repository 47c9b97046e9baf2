"""What does state cost? ``python -m experiments.price_of_state``.

A server writes the whole state, model and counters, in each row of its changelog, or the counters only, the model
apart; after each record, or after each batch; with a small and a large model. The bytes are predicted before the run.
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
from experiments.price_of_state.measuring import SERVERS, Case, Price, State, measure, padded, predict
from experiments.price_of_state.page import draw, page
from experiments.scene import PARTITIONS, scene, scratch
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

MODEL = "linear-onnx"
SMALLEST_BYTES = 1000  # the shipped model has 294
PROMISED = 0.02  # the prediction is not off by more than this share


class PriceSettings(CommandLine, env_prefix="PRICE_OF_STATE_"):
    """Measures what state costs in the changelog and in processor time."""

    records: int = Field(300_000, ge=1, description="wines for each case with a write after each batch")
    single_records: int = Field(1500, ge=1, description="wines for each case with a write after each record")
    batch: int = Field(1000, ge=2, le=5000, description="wines in a batch")
    models: list[int] = Field([2000, 300_000], description="sizes of the models in bytes, separated by commas")
    output: Path = Field(Path("docs/experiments/price_of_state.md"), description="the page; the plot goes beside it")


def cases(settings: PriceSettings) -> list[Case]:
    """All of them, in the order of the page; each is rounded to full batches."""
    made = []
    for batch, records in ((1, settings.single_records), (settings.batch, settings.records)):
        full = PARTITIONS * batch
        states: Sequence[State] = get_args(State)
        made += [Case(state, batch, max(1, records // full) * full) for state in states]
    return made


def prices(plan: Sequence[Case], models: Sequence[ModelDescriptor]) -> list[Price]:
    """Measure them, one server after the other, on a broker that is started for it."""
    found: list[Price] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for case in plan:
            with scene(SERVERS[case.state], broker.bootstrap_servers, directory, case.flags, case.name) as here:
                for price in measure(here, broker.data_dir, case, models):
                    print(f"{_words(case, price.model_bytes)}: {price.measured.rows:,} bytes, off by {price.off:.2%}")
                    found.append(price)
    return found


def broken_promises(found: Sequence[Price]) -> list[str]:
    """Where the bytes were not as predicted."""
    return [
        f"{_words(each.case, each.model_bytes)}: predicted {each.predicted}, measured {each.measured}"
        for each in found
        if each.off > PROMISED or abs(each.measured.model - each.predicted.model) > PROMISED * each.measured.model
    ]


def _words(case: Case, model_bytes: int) -> str:
    return f"state {case.state}, a write after {case.batch}, model of {model_bytes:,} bytes"


@command()
def main() -> None:
    """Predict, measure, and write the page; exit code 1 where the prediction did not hold."""
    settings = PriceSettings.read("python -m experiments.price_of_state")
    where = facts()
    shipped = shipped_model(MODEL)
    models = [padded(shipped, max(size, SMALLEST_BYTES)) for size in settings.models]
    plan = cases(settings)
    for case in plan:
        for model, predicted in zip(models, predict(case, models), strict=True):
            print(f"{_words(case, len(model.data))}: {predicted.rows:,} bytes predicted")
    found = prices(plan, models)
    plot = settings.output.with_suffix(".png")
    draw(found, plot)
    sizes = (settings.records, settings.single_records)
    settings.output.write_text(page(found, sizes, plot.name, where), "utf-8")
    print(f"written: {settings.output}, {plot}")
    if broken := broken_promises(found):
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
