"""A group whose second member comes and goes under load: what it left in the logs and in the scores topic."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Message
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from client.broker.files import last_lines
from client.provider.publisher import Publisher
from client.provider.shipped_models import shipped_model
from client.topics import create_topics
from client.wines.source import GeneratedWines
from experiments.checker.faults import Findings, check
from experiments.checker.topics import read_run
from experiments.errors import NotMeasured, ServerEnded
from experiments.measured_server import LOOK_S, TIMEOUT_S
from experiments.observer import Observer
from experiments.rebalance.member import MODEL
from experiments.rebalance.member_log import Line, LogReader
from experiments.rebalance.protocols import Protocol
from experiments.rebalance.steps import Change, Kind, Score
from experiments.scene import NEVER
from experiments.steady_load import SteadyLoad
from protobufs.serving_result_pb2 import ServingResult
from serving.scoring.outcomes import epoch_ms
from serving.settings.topics import Topics

PARTITIONS = 4
GRACE_S = 10.0
MAX_BATCH = 100  # what comes after a hole is scored in small batches: the first score is in Kafka long before the last
HEARTBEATS_PER_SESSION = 5  # as in all servers here


@dataclass(frozen=True, slots=True)
class Load:
    """How a group is watched."""

    rounds: int
    per_s: float  # wines
    settle_s: float  # after each change, at least
    session_timeout_ms: int

    @property
    def heartbeat_ms(self) -> int:
        """How often a member gives a sign of life."""
        return self.session_timeout_ms // HEARTBEATS_PER_SESSION


@dataclass(frozen=True, slots=True)
class Played:
    """Everything that a group has left."""

    changes: Sequence[Change]
    logs: Mapping[str, Sequence[Line]]  # by member
    scores: Sequence[Score]  # in the order of the topic, one partition after the other
    found: Findings


class MemberProcess:
    """One ``python -m experiments.rebalance.member``; it leaves, too, when this process ends."""

    def __init__(self, name: str, home: Path, flags: Sequence[str]) -> None:
        """Start it; it joins when it is told to."""
        self.name = name
        self.log = LogReader(home / f"{name}.log")
        self._errors = home / f"{name}.err"
        command = [sys.executable, "-m", "experiments.rebalance.member", f"--name={name}", *flags]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, f"--log={home / f'{name}.log'}"],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )

    def join(self) -> None:
        """Let it join the group."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"join\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        """Let it commit and leave; on return it has ended. Without effect where it has."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(GRACE_S)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()
        self._process.wait(GRACE_S)

    def scored(self, since_ms: int) -> set[int]:
        """The partitions of which it had a score acknowledged since then."""
        found: set[int] = set()
        for line in reversed(self.log.lines()):
            if line.at_ms < since_ms:
                break
            found |= set(line.offsets) if line.event == "acknowledged" else set()
        return found

    def wait_until_scores(self, partitions: int, since_ms: int) -> None:
        """So many partitions, since then.

        Raises:
            ServerEnded: it has ended instead.
            NotMeasured: it took too long.
        """
        what = f"{self.name} scored {partitions} partitions"
        self.wait_until(lambda: len(self.scored(since_ms)) >= partitions, what)

    def wait_until_ready(self) -> None:
        """It has its model, and may join.

        Raises:
            ServerEnded, NotMeasured: as above.
        """
        self.wait_until(lambda: bool(self.log.lines()), f"{self.name} was ready")

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Look until it holds.

        Raises:
            ServerEnded: it has ended instead.
            NotMeasured: it took too long.
        """
        deadline_s = time.monotonic() + TIMEOUT_S
        while not holds():
            if (exit_code := self._process.poll()) is not None:
                raise ServerEnded(self.name, exit_code, last_lines(self._errors))
            if time.monotonic() > deadline_s:
                raise NotMeasured(self.name, what, TIMEOUT_S, last_lines(self._errors))
            time.sleep(LOOK_S)

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self.kill()
        self.log.close()


def play(protocol: Protocol, bootstrap_servers: str, home: Path, load: Load) -> Played:
    """A first member stays; in each round a second one joins and leaves, and another one joins and is killed.

    Args:
        home: an empty directory for the logs.
    Raises:
        ServerEnded, NotMeasured: the machine, or a member, did not do its part.
    """
    group = f"rebalance-{protocol}"
    topics = Topics.prefixed(group)
    create_topics(bootstrap_servers, topics, PARTITIONS)
    _configure(bootstrap_servers, group, topics, load)
    publisher = Publisher(bootstrap_servers, topics, protocol, print)
    model = shipped_model(MODEL)
    publisher.publish_model(model, NEVER)  # the members have it from the same file; here the checker looks for it
    publisher.flush(TIMEOUT_S)
    observer = Observer(bootstrap_servers, topics, PARTITIONS)
    flags = [
        f"--bootstrap-servers={bootstrap_servers}",
        f"--topic-prefix={group}",
        f"--protocol={protocol}",
        f"--session-timeout-ms={load.session_timeout_ms}",
        f"--max-batch={MAX_BATCH}",
    ]
    with _members(home, load.rounds, flags) as (first, *others):
        with SteadyLoad(publisher, GeneratedWines(seed=1), load.per_s):
            changes = _changes(protocol, group, first, others, load)
        _wait_until_drained(observer, group, first)
        first.leave()
        logs = {each.name: each.log.lines() for each in (first, *others)}
    scores = [_score(each) for each in observer.score_messages(dict.fromkeys(range(PARTITIONS), 0))]
    scores.sort(key=lambda each: each.partition)  # which keeps each partition's order
    return Played(changes, logs, scores, check(read_run(bootstrap_servers, topics, group)))


@contextmanager
def _members(home: Path, rounds: int, flags: Sequence[str]) -> Iterator[Sequence[MemberProcess]]:
    """All that will be needed, ready to join: no process starts while something is measured."""
    names = ["first", *(f"second-{number}" for number in range(2 * rounds))]  # the broker sorts them by name
    with ExitStack() as stack:
        members = []
        for name in names:
            members.append(MemberProcess(name, home, flags))
            stack.callback(members[-1].close)
        for each in members:
            each.wait_until_ready()
        yield members


def _changes(
    protocol: Protocol, group: str, first: MemberProcess, others: Sequence[MemberProcess], load: Load
) -> list[Change]:
    changes: list[Change] = []

    def change(kind: Kind, second: MemberProcess, settle_s: float) -> None:
        began_ms = epoch_ms()
        if kind == "joins":
            second.join()
            second.wait_until_scores(PARTITIONS // 2, began_ms)
            first.wait_until_scores(PARTITIONS // 2, epoch_ms())
        else:
            second.leave() if kind == "leaves" else second.kill()
            first.wait_until_scores(PARTITIONS, epoch_ms())
        time.sleep(settle_s)  # the load goes on: what has not moved shows its own longest gap
        changes.append(Change(protocol, group, kind, began_ms, epoch_ms()))

    first.join()
    first.wait_until_scores(PARTITIONS, 0)
    for number, (leaving, killed) in enumerate(zip(others[::2], others[1::2], strict=True)):
        # In each round a change comes at another moment between two heartbeats.
        settle_s = load.settle_s + number / load.rounds * load.heartbeat_ms / 1000
        change("joins", leaving, settle_s)
        change("leaves", leaving, settle_s)
        change("joins", killed, settle_s)
        change("killed", killed, settle_s)
    return changes


def _configure(bootstrap_servers: str, group: str, topics: Topics, load: Load) -> None:
    """Scores have the time at which the broker appended them; a group of KIP-848 the times that a client gives else."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    wanted = {
        ConfigResource(ResourceType.TOPIC, topics.scores): {"message.timestamp.type": "LogAppendTime"},
        ConfigResource(ResourceType.GROUP, group): {
            "consumer.session.timeout.ms": str(load.session_timeout_ms),
            "consumer.heartbeat.interval.ms": str(load.heartbeat_ms),
        },
    }
    for resource, entries in wanted.items():
        for name, value in entries.items():
            resource.add_incremental_config(ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET))
    for answer in admin.incremental_alter_configs(list(wanted), request_timeout=TIMEOUT_S).values():
        answer.result(TIMEOUT_S)


def _score(message: Message) -> Score:
    headers: Any = message.headers()  # pairs, which the annotations do not say
    ((_, member),) = headers
    result = ServingResult.FromString(message.value() or b"")
    return Score(result.source_partition, result.source_offset, member.decode(), message.timestamp()[1])


def _wait_until_drained(observer: Observer, group: str, member: MemberProcess) -> None:
    ends = observer.data_ends()
    member.wait_until(lambda: observer.committed(group) == ends, "every record was committed")
