"""What each variant survives, measured: ``python -m experiments.survival``, or ``make survival``."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.terminal.command import command
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.markdown import insert_table
from experiments.scene import scene, scratch
from experiments.survival.life import Life, broken_promises, live
from experiments.survival.page import MARKER, Conditions, page, summary
from experiments.variants import VARIANTS, check_variants
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

MODEL = "forest-onnx"
SESSION_TIMEOUT_MS = 1000  # the group is waited for before each restart: this only shortens the experiment


class SurvivalSettings(CommandLine, env_prefix="SURVIVAL_"):
    """Kills and wipes for real, and writes what came of it into the README."""

    kills: int = Field(3, ge=1, description="in each of the three circumstances, for each variant; medians are shown")
    rate: float = Field(500, gt=0, le=5000, description="wines a second, also while the server is down")
    variants: list[str] = Field(list(VARIANTS), description="which variants, separated by commas")
    readme: Path = Field(Path("README.md"), description="where the short table goes, below its marker")
    output: Path = Field(Path("docs/experiments/survival.md"), description="the page with the long one")


def lives(variants: Sequence[str], model: ModelDescriptor, kills: int, per_s: float) -> list[Life]:
    """Measure these variants, one after the other, on a broker that is started for it."""
    found: list[Life] = []
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        for name in variants:
            flags = ("--session-timeout-ms", str(SESSION_TIMEOUT_MS))
            with scene(name, broker.bootstrap_servers, directory, flags) as here:
                found.append(live(here, broker.data_dir, model, kills, per_s))
                print(f"{name}: killed {len(found[-1].outcomes)} times")
    return found


@command()
def main() -> None:
    """Measure, and write both tables; exit code 1 where a promise was not kept."""
    settings = SurvivalSettings.read("python -m experiments.survival")
    check_variants(settings.variants)
    readme = settings.readme.read_text("utf-8")
    insert_table(readme, MARKER, "")  # a missing place is to be known before anything is measured
    where = facts()
    model = shipped_model(MODEL)
    found = lives(settings.variants, model, settings.kills, settings.rate)
    conditions = Conditions(settings.kills, settings.rate, len(model.data), where)
    settings.readme.write_text(insert_table(readme, MARKER, summary(found)), "utf-8")
    settings.output.write_text(page(found, conditions), "utf-8")
    print(f"written: {settings.readme}, {settings.output}")
    if broken := [each for life in found for each in broken_promises(life)]:
        raise PromiseBroken(broken)


if __name__ == "__main__":
    main()
