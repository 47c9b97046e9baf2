"""One round: a second instance comes, and leaves under load."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from client.wines.source import GeneratedWines
from experiments.checker.faults import Findings, check
from experiments.checker.run import Outcome, Run
from experiments.checker.topics import read_run
from experiments.errors import NotMeasured, ServerEnded
from experiments.measured_server import MeasuredServer
from experiments.scene import Scene, scene
from experiments.steady_load import SteadyLoad
from experiments.variants import variant
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import DeliveryMode
from serving.scoring.outcomes import epoch_ms

Leaving = Literal["stopped", "frozen", "killed"]
LEAVINGS: Sequence[Leaving] = get_args(Leaving)
SESSION_TIMEOUT_MS = 1000  # shortens the experiment; the duplicates come of the commit interval, not of this
MAX_IN_FLIGHT = 10_000  # records of a partition: two batches of --max-batch


@dataclass(frozen=True, slots=True)
class Plan:
    """What one round is to be."""

    server: str  # the package whose ``server`` is the program
    delivery: DeliveryMode
    leaving: Leaving
    records: int
    per_s: float
    flags: Sequence[str] = ()
    scores_s: float = 0.0  # how long the second instance scores at least, before it leaves
    python: Path = Path(sys.executable)
    is_peer: bool = False  # its faults are findings, and no error

    @property
    def name(self) -> str:
        """As the tables have it."""
        return self.server.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Frozen:
    """When the second instance was frozen, and when it went on; epoch ms."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Round:
    """One second instance that came and left, and what the checker found."""

    plan: Plan
    records: int
    found: Findings  # without what was late
    late: int = 0  # scores that were in flight when their instance was frozen
    ended_by: str | None = None  # what kept a peer from its end, in words

    @property
    def broken(self) -> Sequence[str]:
        """Promises that were not kept, in words; a peer has given none."""
        if self.plan.is_peer:
            return []
        at = f"{self.plan.name}, {self.plan.delivery}, {self.plan.leaving}"
        # An instance that knows only the models of its own lifetime skips what comes before the next one.
        skips = not variant(self.plan.name).guarantees.model_survives.killed
        return [f"{at}: {fault.text}" for fault in self.found.faults if not (skips and fault.kind == "lost")]

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many faults the checker found, by kind."""
        return Counter(fault.kind for fault in self.found.faults)

    @property
    def seconds_twice(self) -> float:
        """How long the load took to bring as much as was scored twice: what can be compared at different loads."""
        return self.duplicates / self.plan.per_s

    @property
    def duplicates(self) -> int:
        """Scores of records that had one already."""
        return self.found.duplicates + self.late


def measure(plan: Plan, bootstrap_servers: str, directory: Path, prefix: str, model: ModelDescriptor) -> Round:
    """One round, on topics of its own.

    Args:
        bootstrap_servers: of a running broker.
        directory: of this experiment's own.
        prefix: of the topics, which are made.
    Raises:
        NotMeasured, ServerEnded: a variant did not do its part; of a peer it is a finding.
    """
    flags = ["--session-timeout-ms", str(SESSION_TIMEOUT_MS), *plan.flags]
    ended_by = None
    with scene(plan.server, bootstrap_servers, directory, flags, prefix, python=plan.python) as here:
        home = directory / prefix / "second"
        home.mkdir()
        second = MeasuredServer(plan.server, bootstrap_servers, here.server.group, home, flags, python=plan.python)
        frozen = None
        try:
            with second:
                frozen = _play(plan, here, second, model)
            here.wait_until_drained()
        except (NotMeasured, ServerEnded) as error:
            if not plan.is_peer:
                raise
            ended_by = str(error).splitlines()[0]
        here.server.stop()
        run = read_run(bootstrap_servers, here.topics, here.server.group)
        in_time = without_late(run, frozen) if frozen and plan.delivery == "at-least-once" else run
        late = len(run.outcomes) - len(in_time.outcomes)
        return Round(plan, len(run.sent), check(in_time, delivery=plan.delivery), late, ended_by)


def without_late(run: Run, frozen: Frozen) -> Run:
    """A run without what an instance had in flight when it was frozen, and sent when it went on: late.

    The group cannot keep it from that: only a transaction could. A score is late where it goes back in its partition,
    was not scored while its instance was frozen, and belongs to the records that the next owner has committed since: no
    further behind the last commit from before than an instance reads ahead. (What is scored again from the last commit
    on is a hand-over, and the checker's to explain.)
    """
    # A commit may have been under way; before half of the session is over nobody else can have the partition.
    before = _committed(run, frozen.from_ms + SESSION_TIMEOUT_MS // 2)
    reached: dict[int, int] = {}
    in_time: list[Outcome] = []
    for each in run.outcomes:
        partition, offset = each.source_partition, each.source_offset
        goes_back = each.kind == "score" and offset <= reached.get(partition, -1)
        was_frozen = frozen.from_ms < each.at_ms < frozen.to_ms
        in_flight = 0 <= offset - before.get(partition, offset + 1) < MAX_IN_FLIGHT
        if goes_back and in_flight and not was_frozen:
            since = _committed(run, max(each.at_ms, frozen.to_ms))
            if offset < since[partition]:
                continue
        in_time.append(each)
        reached[partition] = max(offset, reached.get(partition, -1))
    return replace(run, outcomes=in_time)


def _committed(run: Run, at_ms: int) -> Mapping[int, int]:
    """By partition, what the group had committed then."""
    return {each.partition: each.offset for each in run.commits if each.at_ms <= at_ms}


def _play(plan: Plan, here: Scene, second: MeasuredServer, model: ModelDescriptor) -> Frozen | None:
    here.server.start()
    here.server.wait_until_ready()
    here.activate(model)
    with SteadyLoad(here.publisher, GeneratedWines(seed=1), plan.per_s):
        _wait_for_records(here, plan.records // 4)
        second.start()
        second.wait_until_ready()
        here.activate(model)  # one variant learns no model from before its start
        second.wait_until(lambda: second.meter("serving_records_scored_total") > 0, "the second instance scored")
        enough = _sent(here) + int(plan.scores_s * plan.per_s)
        _wait_for_records(here, max(enough, plan.records // 2))
        from_ms = epoch_ms()
        _leave(second, plan.leaving)
        _wait_for_records(here, max(_sent(here) + plan.records // 4, plan.records))
    if plan.leaving != "frozen":
        here.wait_until_drained()
        return None
    to_ms = epoch_ms()
    second.thaw()
    second.wait_until_ready()
    here.wait_until_drained()
    return Frozen(from_ms, to_ms)


def _leave(second: MeasuredServer, leaving: Leaving) -> None:
    if leaving == "killed":
        second.kill()
    elif leaving == "stopped":
        second.stop()
    else:
        second.freeze()


def _wait_for_records(here: Scene, records: int) -> None:
    here.server.wait_until(lambda: _sent(here) >= records, f"{records} records were sent")


def _sent(here: Scene) -> int:
    return sum(here.observer.data_ends().values())
