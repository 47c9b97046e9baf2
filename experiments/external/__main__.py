"""Score inside the stream processor, or in a model server beside it? ``python -m experiments.external``.

The same model in both, batches of 1 to 1,000 records; then the model server is killed under load, and a model is
replaced under load, and the checker says what was lost or doubled.
"""

from collections.abc import Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model, shipped_models
from client.terminal.command import command
from experiments.errors import PromiseBroken
from experiments.external.measures import (
    LIVE_BATCH,
    Outage,
    Speed,
    Swap,
    median,
    outage,
    publish_backlog,
    speed,
    stage,
    swaps,
)
from experiments.external.model_server import ModelServer
from experiments.external.page import write
from experiments.external.processor import OnFailure
from experiments.external.ways import ASKED, GRPC, REST, WAYS, scorer
from experiments.machine import facts
from experiments.scene import scratch
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.command_line import CommandLine

MODELS = ("forest-onnx", "linear-onnx")
BATCHES = (1, 10, 100, 1000)
OUTAGES: Sequence[tuple[str, OnFailure]] = ((REST, "retry"), (GRPC, "retry"), (REST, "skip"))


class ExternalSettings(CommandLine, env_prefix="EXTERNAL_"):
    """Compares a model inside the stream processor with the same one in a model server."""

    records: int = Field(200_000, ge=3000, description="in the backlog")
    seconds: float = Field(3.0, gt=0, description="for one way and size at most, in each round")
    rounds: int = Field(3, ge=1, description="of which the median counts")
    swaps: int = Field(6, ge=1, description="of models, each way")
    rate: float = Field(500, gt=0, le=10_000, description="wines a second while something happens")
    output: Path = Field(Path("docs/experiments/external.md"), description="the page; the plot lies beside it")


class Experiment:
    """All measurements on one broker and one model server."""

    def __init__(self, settings: ExternalSettings, bootstrap_servers: str, server: ModelServer) -> None:
        self._settings = settings
        self._bootstrap_servers = bootstrap_servers
        self._server = server
        known = {each.name: each for each in shipped_models()}
        self._models = [known[name] for name in MODELS]
        self.broken: list[str] = []
        """Promises that were not kept, in words."""

    def speeds(self) -> list[Speed]:
        """Each way with each size, the rounds one after the other."""
        here = stage(self._bootstrap_servers, self._models[0])
        publish_backlog(here, self._settings.records)
        rounds: dict[tuple[str, int], list[Speed]] = {}
        for _ in range(self._settings.rounds):
            for batch in BATCHES:
                for way in WAYS:
                    asked = scorer(way, self._models[0], self._server, (self._bootstrap_servers, here.topics))
                    with closing(asked):
                        limit = (self._settings.records, self._settings.seconds)
                        found = speed(here, way, asked, batch, limit)
                    rounds.setdefault((way, batch), []).append(found)
                    print(f"{way}, {batch} in a call: {found.records_per_s:,.0f} records/s, p99 {found.p99_ms:.2f} ms")
        return [median(each) for each in rounds.values()]

    def outages(self) -> list[Outage]:
        """The model server is killed under each way to it."""
        found = []
        for way, on_failure in OUTAGES:
            here = stage(self._bootstrap_servers, self._models[0])
            with closing(ASKED[way](self._server)) as asked:
                load = (int(self._settings.rate), self._settings.rate)
                last = outage(here, way, asked, self._server, on_failure, load)
            found.append(last)
            print(f"{way}, {on_failure}: {last.found.unscored} lost, {last.found.duplicates} scored twice")
            allowed = {"lost"} if on_failure == "skip" else set()
            self._note(f"{way}, {on_failure}", [each.text for each in last.found.faults if each.kind not in allowed])
        return found

    def swaps(self) -> list[Swap]:
        """Models in turn, each way."""
        found: list[Swap] = []
        models = list(islice(cycle(self._models), self._settings.swaps + 1))
        for way in WAYS:
            here = stage(self._bootstrap_servers, models[0])
            self._server.load(models[0])
            with closing(scorer(way, models[0], self._server, (self._bootstrap_servers, here.topics))) as asked:
                ask = self._server.load if way in ASKED else _ask_nobody
                load = (int(self._settings.rate), self._settings.rate)
                of_way, findings = swaps(here, way, asked, models, ask, load)
            found += of_way
            longest_ms = max(each.longest_ms for each in of_way)
            print(f"{way}: {len(of_way)} swaps, longest wait {longest_ms:.0f} ms")
            self._note(f"{way}, swaps", [each.text for each in findings.faults])
        return found

    def _note(self, at: str, faults: Sequence[str]) -> None:
        self.broken += [f"{at}: {text}" for text in faults]


def _ask_nobody(_: ModelDescriptor) -> None:
    """The models topic has it already."""


@command()
def main() -> None:
    """Measure, and write the page; exit code 1 where the checker finds a fault."""
    settings = ExternalSettings.read("python -m experiments.external")
    where = facts()
    first = shipped_model(MODELS[0])
    with scratch() as directory, EmbeddedKafka(None, directory / "kafka") as broker:
        home = directory / "mlserver"
        home.mkdir()
        with ModelServer(home, first) as server:
            experiment = Experiment(settings, broker.bootstrap_servers, server)
            speeds, outages, swapped = experiment.speeds(), experiment.outages(), experiment.swaps()
    known = {
        "model": MODELS[0],
        "facts": where,
        "records": settings.records,
        "seconds": settings.seconds,
        "rounds": settings.rounds,
        "per_s": settings.rate,
        "live": LIVE_BATCH,
        "swap_count": settings.swaps,
    }
    write(settings.output, speeds, outages, swapped, known)
    print(f"written: {settings.output}")
    if experiment.broken:
        raise PromiseBroken(experiment.broken)


if __name__ == "__main__":
    main()
