"""Is a bad model found, and taken back, before anybody complains? ``python -m experiments.drift``."""

from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from experiments.drift.load import Traffic
from experiments.drift.page import Sensitivity, broken, draw, page
from experiments.drift.scenario import Observed, observe
from experiments.drift.sensitivity import false_alarms, median_of_coins, median_of_shift
from experiments.drift.versions import GOOD
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.scene import scene, scratch
from experiments.variants import VARIANTS, check_variants
from serving.settings.command_line import CommandLine

PREFIX = "drift"
RISES = 31
"""Runs of each rise, an odd number: the median is one of them."""


class DriftSettings(CommandLine, env_prefix="DRIFT_"):
    """Publishes good and bad models under load, and has a monitor find the bad ones by their labels."""

    variant: str = Field("custom_stage", description=f"one of {', '.join(VARIANTS)}")
    rate: float = Field(1000, gt=0, le=20_000, description="wines a second")
    share: float = Field(0.1, gt=0, lt=1, description="of the wines, for the canary")
    late_s: float = Field(3.0, ge=0, description="how long after its wine a label comes")
    trial: int = Field(2000, ge=100, description="a candidate is promoted after as many labels without alarm")
    stable_runs: int = Field(10, ge=1, description="runs on which there must be no alarm")
    stable_records: int = Field(100_000, ge=1000, description="records in each of them")
    output: Path = Field(Path("docs/experiments/drift.md"), description="the page; its plot goes beside it")


def sensitivity(settings: DriftSettings) -> Sensitivity:
    """What the detector sees, without Kafka."""
    model = shipped_model(GOOD)
    seen = [("a coin: 0.25 -> 0.5", median_of_coins(RISES))]
    seen += [(f"scores + {shift:g}", median_of_shift(model, shift, RISES)) for shift in (1.0, 0.5, 0.25)]
    for what, labels in seen:
        print(f"{what}: an alarm after {labels:g} labels (median)")
    alarms = false_alarms(model, settings.stable_runs, settings.stable_records)
    print(f"stable, {settings.stable_runs} x {settings.stable_records:,} records: {sum(alarms)} alarms")
    return Sensitivity(RISES, seen, settings.stable_records, alarms)


def played(settings: DriftSettings) -> Observed:
    """The five acts, on a broker that is started for them."""
    traffic = Traffic(settings.rate, settings.share, settings.late_s)
    with (
        scratch() as directory,
        EmbeddedKafka(None, directory / "kafka") as broker,
        scene(settings.variant, broker.bootstrap_servers, directory, (), PREFIX) as here,
    ):
        observed = observe(here, traffic, settings.trial)
    for each in observed.roll_backs:
        print(f"{each.data_type}: {each.bad} -> {each.good}, {each.took_ms / 1000:.2f} s after the alarm")
    return observed


@command()
def main() -> None:
    """Measure, and write page and plot; exit code 1 where a promise was not kept."""
    settings = DriftSettings.read("python -m experiments.drift")
    check_variants([settings.variant])
    where = facts()
    seen, observed = sensitivity(settings), played(settings)
    plot = settings.output.with_suffix(".png")
    traffic = Traffic(settings.rate, settings.share, settings.late_s)
    text = page(settings.variant, traffic, settings.trial, observed, seen, plot.name, where)
    settings.output.write_text(text, "utf-8")
    draw(observed, plot)
    print(f"written: {settings.output} and {plot}")
    if texts := broken(observed, seen):
        raise PromiseBroken(texts)


if __name__ == "__main__":
    main()
