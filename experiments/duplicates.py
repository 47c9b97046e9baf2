"""How many records are scored twice when an instance leaves the group? ``python -m experiments.duplicates``.

One instance scores, a second one joins, and leaves again under load: it is stopped, or frozen until the group has given
its partitions away, or killed. Afterwards the checker explains every duplicate by the hand-over that it comes of, or
finds a fault; with at-most-once it counts what was lost instead.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_models
from client.terminal.stop_signals import interruptible
from client.wines.source import GeneratedWines
from experiments.checker.faults import Findings, check
from experiments.checker.topics import read_run
from experiments.errors import PromiseBroken
from experiments.machine import facts
from experiments.markdown import table
from experiments.measured_server import MeasuredServer
from experiments.scene import Scene, scene, scratch
from experiments.steady_load import SteadyLoad
from experiments.variants import VARIANTS, check_variants, variant
from model.errors import ServingError
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine, stop_with

Leaving = Literal["stopped", "frozen", "killed"]
LEAVINGS: Sequence[Leaving] = get_args(Leaving)
MODEL = "linear-onnx"
SESSION_TIMEOUT_MS = 1000  # shortens the experiment; the duplicates come of the commit interval, not of this
HEAD = ("variant", "delivery", "the second instance is", "records:", "scored twice:", "explained:", "no score:")
PAGE = """\
# Duplicates

<!-- written by: python -m experiments.duplicates -->
Measured by `python -m experiments.duplicates --records {records}`: {rate:g} wines a second in 3 partitions; one
instance scores, a second one joins, scores for a while, and leaves under load. Default settings, but for a session
timeout of {timeout} ms.

{facts}.

{rows}
- **stopped**: by SIGTERM: it finishes and commits what is in flight. **frozen**: by SIGSTOP, until the group has given
  its partitions away; then it goes on, and finds that they are another's. **killed**: by `kill -9`.
- **scored twice**: scores of records that had one already. **explained**: of these, how many lie between the last
  commit of the partition and what its former owner had scored, each once per hand-over. The checker
  (`experiments/checker/`) reads all of it from the topics. Any other duplicate, a score out of order, in a wrong
  partition, or by a model that was not active ends the run with an error.
- **no score**: with at-most-once a record is committed before it is scored, and lost when its server dies in between.
  With the other two it must be 0.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One second instance that came and left, and what the checker found."""

    variant: str
    delivery: str
    leaving: Leaving
    records: int
    found: Findings

    @property
    def broken(self) -> Sequence[str]:
        """Promises that were not kept, in words."""
        allowed = {"lost"} if self.delivery == "at-most-once" else set()
        at = f"{self.variant}, {self.delivery}, {self.leaving}"
        broken = [f"{at}: {fault.text}" for fault in self.found.faults if fault.kind not in allowed]
        if self.delivery != "at-least-once" and self.found.duplicates:
            broken.append(f"{at}: {self.found.duplicates} duplicates")
        return broken


class DuplicatesSettings(CommandLine, env_prefix="DUPLICATES_"):
    """Has instances come and go under load, and explains every duplicate."""

    records: int = Field(1_000_000, ge=1000, description="in all rounds together")
    rate: float = Field(8000, gt=0, le=50_000, description="wines a second")
    variants: list[str] = Field(["custom_stage"], description=f"separated by commas: {', '.join(VARIANTS)}")
    output: Path = Field(Path("docs/experiments/duplicates.md"), description="the page")


def measure(here: Scene, delivery: str, leaving: Leaving, model: ModelDescriptor, load: tuple[int, float]) -> Round:
    """One round on a scene of its own; ``load``: how many wines, and how many a second."""
    records, per_s = load
    here.server.start()
    here.server.wait_until_ready()
    here.activate(model)
    home = here.server.data_dir.parent / "second"
    home.mkdir()
    flags = _flags(here.server.variant, delivery)
    with MeasuredServer(here.server.variant, here.bootstrap_servers, here.server.group, home, flags) as second:
        with SteadyLoad(here.publisher, GeneratedWines(seed=1), per_s):
            _wait_for_records(here, records // 4)
            second.start()
            second.wait_until_ready()
            here.activate(model)  # one variant learns no model from before its start
            second.wait_until(lambda: second.meter("serving_records_scored_total") > 0, "the second instance scored")
            _wait_for_records(here, records // 2)
            _leave(second, leaving)
            _wait_for_records(here, records)
        if leaving == "frozen":
            second.thaw()
            second.wait_until_ready()
        here.wait_until_drained()
    here.wait_until_drained()
    sent = sum(here.observer.data_ends().values())
    found = check(read_run(here.bootstrap_servers, here.topics, here.server.group))
    return Round(here.server.variant, delivery, leaving, sent, found)


def rounds(settings: DuplicatesSettings, model: ModelDescriptor) -> list[Round]:
    """All rounds, each on topics of its own, on one broker."""
    plan = [
        (name, delivery, leaving)
        for name in settings.variants
        for delivery in variant(name).guarantees.delivery
        for leaving in LEAVINGS
    ]
    each = settings.records // len(plan)
    found: list[Round] = []
    with ExitStack() as stack:
        directory = stack.enter_context(scratch())
        broker = stack.enter_context(EmbeddedKafka(None, directory / "kafka"))
        for number, (name, delivery, leaving) in enumerate(plan):
            with scene(name, broker.bootstrap_servers, directory, _flags(name, delivery), f"round{number}") as here:
                found.append(measure(here, delivery, leaving, model, (each, settings.rate)))
            last = found[-1].found
            print(f"{name}, {delivery}, {leaving}: {last.duplicates} scored twice, {last.explained} explained")
    return found


def page(found: Sequence[Round], settings: DuplicatesSettings, where: str) -> str:
    """The page: a row per round."""
    rows = [
        (
            f"`{each.variant}`",
            each.delivery,
            each.leaving,
            f"{each.records:,}",
            f"{each.found.duplicates:,}",
            f"{each.found.explained:,}",
            f"{each.found.unscored:,}",
        )
        for each in found
    ]
    return PAGE.format(
        records=settings.records, rate=settings.rate, timeout=SESSION_TIMEOUT_MS, facts=where, rows=table(HEAD, rows)
    )


def _flags(name: str, delivery: str) -> Sequence[str]:
    flags = ["--session-timeout-ms", str(SESSION_TIMEOUT_MS)]
    return [*flags, "--delivery", delivery] if len(variant(name).guarantees.delivery) > 1 else flags


def _leave(second: MeasuredServer, leaving: Leaving) -> None:
    if leaving == "killed":
        second.kill()
    elif leaving == "stopped":
        second.stop()
    else:
        second.freeze()


def _wait_for_records(here: Scene, records: int) -> None:
    here.server.wait_until(lambda: sum(here.observer.data_ends().values()) >= records, f"{records} records were sent")


def main() -> None:
    """Measure, and write the page; exit code 1 where a duplicate is not explained, or another promise was not kept."""
    try:
        settings = DuplicatesSettings.read("python -m experiments.duplicates")
        check_variants(settings.variants)
        with interruptible():
            where = facts()
            (model,) = (each for each in shipped_models() if each.name == MODEL)
            found = rounds(settings, model)
            settings.output.write_text(page(found, settings, where), "utf-8")
            print(f"written: {settings.output}")
            if broken := [text for each in found for text in each.broken]:
                raise PromiseBroken(broken)
    except ServingError as error:
        stop_with(error)


if __name__ == "__main__":
    main()
