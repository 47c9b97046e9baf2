"""Three brokers, and one of them killed under load - under all variants at once."""

import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    ConfigResource,
    ResourceType,
)

from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.accounts import nothing_is_lost, scored_some
from tests.contract.conftest import DATA_PARTITIONS, SOON_MISSED, VARIANTS, package, put_in_force
from tests.support.ports import ports_in_a_row
from tests.support.process import Process, brokers_in
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream

BROKERS = 3
OFFSETS = "__consumer_offsets"
RECORDS = 200
PAUSE_S = 0.15  # between two portions: the brokers are what this is about, not the load
STREAMS_WITH_TABLES = ("streams_kvstore", "streams_customstore")


class Witness:
    """A server of one variant, and its load."""

    def __init__(self, variant: str, bootstrap_servers: str, directory: Path, running: ExitStack) -> None:
        self.promised = package(variant).guarantees
        self.under_load = threading.Event()
        self.stream = Stream(bootstrap_servers, Topics.prefixed(variant))
        create_topics(bootstrap_servers, self.stream.topics, DATA_PARTITIONS)
        words = (variant, bootstrap_servers, self.stream.prefix, directory / f"{variant}.log", *SOON_MISSED)
        self.server = running.enter_context(ServerProcess(*words))

    def plays(self, killed: threading.Event) -> None:
        """Scores under load until a broker is killed, and then goes on."""
        try:
            put_in_force(self.server.wait_until_ready(), self.stream, 1.0)
            with self.stream.background_load(pause_s=PAUSE_S) as load:
                scored_some(self.server, RECORDS)
                self.under_load.set()
                killed.wait()  # for as long as the slowest variant takes to be under load; it is always set
                enough = len(load.ids) + RECORDS  # the killed broker led some partitions: they have new leaders by then
                self.server.wait_until(lambda: len(load.ids) > enough, "the load went on")
                scored_some(self.server, RECORDS)
        finally:
            self.under_load.set()  # nobody waits for one that failed
        nothing_is_lost(self.stream, self.server, load.ids, self.promised)
        assert self.server.stop() == 0


@dataclass(frozen=True)
class Scene:
    """How it went for each variant, and what the cluster said of its topics while all brokers were there."""

    ended: dict[str, "Future[None]"]
    replicas: dict[str, int]
    in_sync: dict[str, int]
    stopped: int  # the exit code of who started the brokers
    left: list[int]  # the brokers' processes after that


def replication(admin: AdminClient) -> tuple[dict[str, int], dict[str, int]]:
    """Of each topic: the least number of replicas of a partition, and ``min.insync.replicas``."""
    topics = admin.list_topics(timeout=10).topics
    replicas = {name: min(len(each.replicas) for each in it.partitions.values()) for name, it in topics.items()}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    described = {each.name: future.result(10) for each, future in admin.describe_configs(resources).items()}
    return replicas, {name: int(it["min.insync.replicas"].value) for name, it in described.items()}


def kill_the_coordinator(admin: AdminClient, directory: Path) -> int:
    """``kill -9`` the broker that matters most, the one that leads all groups' offsets; its number."""
    leader: int = admin.list_topics(OFFSETS, timeout=10).topics[OFFSETS].partitions[0].leader
    (pid,) = brokers_in(directory / f"kafka-{leader}")
    os.kill(pid, signal.SIGKILL)
    return leader


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """All variants go through it at once, as three brokers are heavy."""
    directory, killed = tmp_path_factory.mktemp("three"), threading.Event()
    with ExitStack() as running, ThreadPoolExecutor(len(VARIANTS)) as actors:
        port = ports_in_a_row(BROKERS)
        flags = ("--brokers", str(BROKERS), "--port", str(port), "--data-dir", str(directory / "kafka"))
        kafka = running.enter_context(Process(directory / "kafka.log", "-m", "client.broker", *flags))
        servers = ",".join(f"127.0.0.1:{port + number}" for number in range(BROKERS))
        kafka.wait_until_said(f"Kafka listens on {servers}; Ctrl-C stops it")
        admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        witnesses = {name: Witness(name, servers, directory, running) for name in VARIANTS}
        ended = {name: actors.submit(each.plays, killed) for name, each in witnesses.items()}
        try:
            for witness in witnesses.values():
                witness.under_load.wait()  # what leads there has limits of its own
            replicas, in_sync = replication(admin)
            number = kill_the_coordinator(admin, directory)
        finally:
            killed.set()  # the variants wait for it, also where no broker could be killed
        for future in ended.values():
            future.exception()  # its waiter raises it again
        kafka.wait_until_said(f"broker {number} has ended by itself; the other {BROKERS - 1} continue")
        stopped = kafka.stop()
    left = [pid for number in range(1, BROKERS + 1) for pid in brokers_in(directory / f"kafka-{number}")]
    return Scene(ended, replicas, in_sync, stopped, left)


def test_a_broker_killed_under_load_costs_no_record(scene: Scene, variant: str) -> None:
    assert scene.ended[variant].result() is None


def test_every_topic_is_on_three_brokers_and_two_must_have_each_record(scene: Scene) -> None:
    ours = {name for variant in VARIANTS for name in Topics.prefixed(variant).layout(DATA_PARTITIONS)}
    changelogs = {name for name in scene.replicas if name.endswith("-changelog")}
    assert ours | {OFFSETS} <= set(scene.replicas)
    assert len(changelogs) >= len(STREAMS_WITH_TABLES)
    assert set(scene.replicas.values()) == {BROKERS}
    assert set(scene.in_sync.values()) == {BROKERS - 1}


def test_the_other_brokers_go_on_and_end_with_who_started_them(scene: Scene) -> None:
    assert (scene.stopped, scene.left) == (0, [])
