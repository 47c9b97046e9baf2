"""Two instances in one group, a steady load, and models that replace each other: which instance scored with which."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from client.wines.source import GeneratedWines
from experiments.checker.faults import check
from experiments.checker.run import Outcome, Run
from experiments.checker.topics import read_run
from experiments.measured_server import MeasuredServer
from experiments.scene import MODELS_METER, PARTITIONS, Scene
from experiments.second_instance.plain.settings import Reading
from experiments.steady_load import SteadyLoad
from protobufs.model_descriptor_pb2 import ModelDescriptor

SERVER = "experiments.second_instance.plain"
SLACK_MS = 250
"""A batch in flight when a model is activated has the one before."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one instance did with the records of its partitions, each of them once."""

    partitions: Sequence[int]
    records: int  # sent since both instances had their partitions
    wrong: int  # scored by a model that was not active any more
    skipped: int  # never scored

    @property
    def right(self) -> int:
        """Scored by the active model."""
        return self.records - self.wrong - self.skipped


@dataclass(frozen=True, slots=True)
class Round:
    """A run with the models read in one of two ways."""

    reading: Reading
    run: Run
    instances: Sequence[
        Sequence[int]
    ]  # the data topic's partitions of each; the one that was started first comes first
    begin: Mapping[int, int]  # by partition: the first offset that was sent when both had their partitions
    load_ms: tuple[int, int]  # from when to when records were sent, epoch ms
    slowest_swap_s: float  # from a model's publication until all instances that ever get it had it

    @property
    def takeover_ms(self) -> int:
        """How long a replaced model may go on scoring: no longer than the slowest swap took, and a batch."""
        return int(self.slowest_swap_s * 1000) + SLACK_MS

    @property
    def shares(self) -> list[Share]:
        """Of each instance."""
        return [share(self.run, partitions, self.begin, self.takeover_ms) for partitions in self.instances]


def share(run: Run, partitions: Sequence[int], begin: Mapping[int, int], takeover_ms: int) -> Share:
    """What became of the records of these partitions, from these offsets on; the checker says of whom it was wrong."""
    sent = [each for each in run.sent if each.partition in partitions and each.offset >= begin.get(each.partition, 0)]
    asked = {(each.partition, each.offset) for each in sent}
    last: dict[tuple[int, int], Outcome] = {}  # a record that was scored twice counts once: what a reader keeps by id
    for outcome in run.outcomes:
        if (at := (outcome.source_partition, outcome.source_offset)) in asked:
            last[at] = outcome
    found = check(replace(run, sent=sent, outcomes=list(last.values())), takeover_ms)
    wrong = sum(fault.kind == "wrong model" for fault in found.faults)
    return Share(partitions, len(sent), wrong, found.unscored)


def flags(reading: Reading) -> Sequence[str]:
    """Of both instances; models are ours, and need no trial."""
    return ("--no-trial-load", "--models-read", reading)


def measure(here: Scene, reading: Reading, models: Sequence[ModelDescriptor], per_s: float, hold_records: int) -> Round:
    """One round on a scene of its own.

    Args:
        models: the first is active when the second instance comes; the others are published one after the other.
        per_s: wines a second.
        hold_records: how many are scored or skipped between a model's activation and the next one's publication.
    """
    here.server.start()
    here.server.wait_until_ready()
    here.activate(models[0])
    home = here.server.data_dir.parent / "second"
    home.mkdir()
    begun_ms = _now_ms()
    with MeasuredServer(SERVER, here.bootstrap_servers, here.server.group, home, flags(reading)) as second:
        both = (here.server, second)
        with SteadyLoad(here.publisher, GeneratedWines(seed=3), per_s):
            second.start()
            second.wait_until(lambda: _is_shared(both), "both instances had partitions")
            second.wait_until_ready()
            begin = here.observer.data_ends()
            _wait_for_records(here, hold_records)
            swaps_s = [_swap(here, model, both, reading, hold_records) for model in models[1:]]
        ended_ms = _now_ms()
        here.wait_until_drained()
        instances = [_assigned(each)["data"] for each in both]
        run = read_run(here.bootstrap_servers, here.topics, here.server.group)
    return Round(reading, run, instances, begin, (begun_ms, ended_ms), max(swaps_s))


def _swap(
    here: Scene, model: ModelDescriptor, both: Sequence[MeasuredServer], reading: Reading, hold_records: int
) -> float:
    before = [each.meter(MODELS_METER) for each in both]

    def have_it() -> list[bool]:
        return [each.meter(MODELS_METER) > known for each, known in zip(both, before, strict=True)]

    enough = all if reading == "outside" else any
    asked_s = time.monotonic()  # the model's time in Kafka is of now, not of when the broker has it
    here.publish_model(model)
    active_s = here.server.wait_until(lambda: enough(have_it()), f"{model.name} was active")
    _wait_for_records(here, hold_records)
    return active_s - asked_s


def _wait_for_records(here: Scene, more: int) -> None:
    """Until so many more are done with, some of them in each partition: an instance may stand still after a join."""
    sent = here.observer.data_ends()

    def are_done() -> bool:
        done = here.observer.committed(here.server.group)
        ahead = [done.get(partition, 0) - end for partition, end in sent.items()]
        return min(ahead) > 0 and sum(ahead) >= more

    here.server.wait_until(are_done, f"{more} more records were scored or skipped")


def _is_shared(both: Sequence[MeasuredServer]) -> bool:
    """Whether each has a part of the data topic, and both together have it once."""
    parts = [_assigned(each).get("data", []) for each in both]
    return all(parts) and sorted(chain.from_iterable(parts)) == list(range(PARTITIONS))


def _assigned(server: MeasuredServer) -> dict[str, Any]:
    answer: dict[str, Any] | None = server.get("/assigned")
    return answer or {}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
