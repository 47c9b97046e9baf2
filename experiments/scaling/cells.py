"""The processor time that a backlog takes all instances of a group together."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.checker.faults import Findings, check
from experiments.checker.run import Counted
from experiments.checker.topics import read_run
from experiments.logs import changelogs, log_bytes
from experiments.measured_server import MeasuredServer
from experiments.scene import MODELS_METER, Scene, scene
from experiments.throughput.backlog import warm_up
from protobufs.model_descriptor_pb2 import ModelDescriptor

SESSION_TIMEOUT_MS = 10_000
"""The group keeps instances that are frozen while a backlog is published; a fifth of it is how late they hear of one
another."""
FLAGS = ("--session-timeout-ms", str(SESSION_TIMEOUT_MS))
IDLE_S = 2.0
SCORED_METER = "serving_records_scored_total"
BATCHES_METER = "serving_batch_records_count"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one backlog took."""

    instances: int
    records: int
    scores: int  # that the broker has of it: as many as records, if none was scored twice
    cpu_s: float  # of all instances together
    seconds: float  # from letting them go until the last record was committed
    batches: int

    @property
    def cpu_us_per_record(self) -> float:
        """The figure of interest."""
        return self.cpu_s / self.records * 1e6


@dataclass(frozen=True, slots=True)
class Stored:
    """What a backlog adds to the logs of one replica, which is what goes over the network, too; bytes."""

    per_wine: float
    per_score: float
    per_batch: float  # in the changelog of the counters; 0: there is none


@dataclass(frozen=True, slots=True)
class Series:
    """One variant on topics of so many partitions: each number of instances twice, going up and coming down."""

    variant: str
    partitions: int
    costs: Sequence[Cost]
    idle_cpu: float  # of one instance with nothing to do: seconds of processor time per second
    stored: Stored
    found: Findings

    def twice(self, instances: int) -> Sequence[Cost]:
        """Both backlogs of so many instances."""
        return [each for each in self.costs if each.instances == instances]

    @property
    def broken(self) -> Sequence[str]:
        """Promises that were not kept, in words."""
        at = f"{self.variant}, {self.partitions} partitions"
        scored = [
            f"{at}, {each.instances} instances: {each.scores} scores of {each.records} records"
            for each in self.costs
            if each.scores != each.records
        ]
        return [*scored, *(f"{at}: {fault.text}" for fault in self.found.faults)]


class Group:
    """The instances of one variant that share its topics."""

    def __init__(self, here: Scene, servers: Sequence[MeasuredServer], partitions: int, model: ModelDescriptor) -> None:
        """``servers``: as many as there will ever be; none of them runs."""
        self._here = here
        self._servers = servers
        self._partitions = partitions
        self._model = model
        self.running: Sequence[MeasuredServer] = ()
        self._counted: dict[MeasuredServer, Sequence[int]] = {}  # of those that were stopped

    def resize(self, instances: int) -> None:
        """Start or stop some; returns when each has partitions and the model."""
        kept, self.running = self.running, self._servers[:instances]
        new = self.running[len(kept) :]
        for server in new:
            server.start()
        for server in kept[instances:]:
            self._counted[server] = _counters(server)
            server.stop()
        for server in self.running:
            server.wait_until_ready()
        self._first.wait_until(self._spread, f"{instances} instances had {self._partitions} partitions")
        if new:
            self._activate()

    def warm_up(self, wines: Sequence[bytes]) -> None:
        """Score these; returns when each instance has scored some."""
        before = [server.meter(SCORED_METER) for server in self.running]
        warm_up(self._here, wines)
        for server, scored in zip(self.running, before, strict=True):
            server.wait_until(_more(server, SCORED_METER, scored), "every instance had scored")

    def cost(self, wines: Sequence[bytes]) -> Cost:
        """Publish a backlog while all are frozen, let them go, and wait until it is committed."""
        scores, batches = self._here.observer.scores(), self._sum(BATCHES_METER)
        finished = self._sum(SCORED_METER) + len(wines)
        for server in self.running:
            server.freeze()
        self._here.publish_wines(wines)
        before_s = self._cpu_s()
        began_s = time.monotonic()
        for server in self.running:
            server.thaw()
        self._here.wait_until_drained()
        cpu_s, seconds = self._cpu_s() - before_s, time.monotonic() - began_s
        self._first.wait_until(lambda: self._sum(SCORED_METER) >= finished, "every record was counted")
        return Cost(
            len(self.running),
            len(wines),
            self._here.observer.scores() - scores,
            cpu_s,
            seconds,
            int(self._sum(BATCHES_METER) - batches),
        )

    def idle_cpu(self, seconds: float) -> float:
        """Seconds of processor time per second that one of them takes with nothing to do, on average."""
        before_s, began_s = self._cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (self._cpu_s() - before_s) / (time.monotonic() - began_s) / len(self.running)

    def counted(self) -> Counted:
        """What all that ever ran have counted; each was started once."""
        known = [*self._counted.values(), *(_counters(server) for server in self.running)]
        scored, skipped = map(sum, zip(*known, strict=True))
        return Counted(scored, skipped, 0)

    @property
    def _first(self) -> MeasuredServer:
        return self._servers[0]

    def _spread(self) -> bool:
        shares = self._here.observer.shares(self._first.group)
        return len(shares) == len(self.running) and min(shares) > 0 and sum(shares) == self._partitions

    def _activate(self) -> None:
        """One variant learns no model from before its start: so it is published for those that are new."""
        before = [server.meter(MODELS_METER) for server in self.running]
        self._here.publish_model(self._model)
        for server, models in zip(self.running, before, strict=True):
            server.wait_until(_more(server, MODELS_METER, models), f"{self._model.name} was active")

    def _sum(self, meter: str) -> float:
        return sum(server.meter(meter) for server in self.running)

    def _cpu_s(self) -> float:
        return sum(server.usage().cpu_s for server in self.running)


@contextmanager
def group(here: Scene, instances: int, partitions: int, model: ModelDescriptor, home: Path) -> Iterator[Group]:
    """The scene's server and others like it; they are stopped at the end.

    Args:
        here: where they meet; its server was not started.
        instances: how many at most.
        partitions: of the scene's data topic.
        model: what they score with.
        home: a directory for their logs and states.
    """
    with ExitStack() as stack:
        others = []
        for number in range(1, instances):
            directory = home / str(number)
            directory.mkdir(parents=True)
            server = MeasuredServer(here.server.variant, here.bootstrap_servers, here.server.group, directory, FLAGS)
            others.append(stack.enter_context(server))
        yield Group(here, [here.server, *others], partitions, model)


def series(
    variant: str,
    partitions: int,
    counts: Sequence[int],
    backlog: Sequence[bytes],
    model: ModelDescriptor,
    broker: EmbeddedKafka,
    home: Path,
    idle_s: float = IDLE_S,
) -> Series:
    """Measure one variant: with each number of instances, and back again, so that a drift of the machine is seen.

    Args:
        variant: its name.
        partitions: of the data topic.
        counts: of instances, ascending.
        backlog: the wines of each backlog; a tenth of them warms the instances up before it.
        model: what scores them.
        broker: runs.
        home: a directory for logs and states.
        idle_s: how long the instances are watched while there is nothing to do.
    """
    name = f"{variant}-{partitions}"
    costs: list[Cost] = []
    idle_cpu, stored = 0.0, Stored(0, 0, 0)
    with (
        scene(variant, broker.bootstrap_servers, home, FLAGS, name, partitions=partitions) as here,
        group(here, counts[-1], partitions, model, home / f"{name}-others") as servers,
    ):
        for visit, instances in enumerate((*counts, *reversed(counts))):
            servers.resize(instances)
            servers.warm_up(backlog[: len(backlog) // 10])
            if visit == len(counts):  # all of them run, warm
                idle_cpu = servers.idle_cpu(idle_s)
            before = _logs(broker.data_dir, here)
            costs.append(servers.cost(backlog))
            if visit == 0:  # so early nothing was compacted
                wines, scores, rows = (
                    after - log for after, log in zip(_logs(broker.data_dir, here), before, strict=True)
                )
                stored = Stored(wines / len(backlog), scores / len(backlog), rows / costs[0].batches)
        found = check(read_run(broker.bootstrap_servers, here.topics, name, servers.counted()))
    return Series(variant, partitions, costs, idle_cpu, stored, found)


def _logs(broker_dir: Path, here: Scene) -> Sequence[int]:
    return [
        log_bytes(broker_dir, topic) for topic in (here.topics.data, here.topics.scores, changelogs(here.server.group))
    ]


def _counters(server: MeasuredServer) -> Sequence[int]:
    return int(server.meter(SCORED_METER)), int(server.meter("serving_records_skipped_total"))


def _more(server: MeasuredServer, meter: str, than: float) -> Callable[[], bool]:
    return lambda: server.meter(meter) > than
