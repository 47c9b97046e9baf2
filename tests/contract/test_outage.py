"""The broker goes away under all variants at once: one server of each is stopped meanwhile, the other carries on."""

import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.embedded_kafka import EmbeddedKafka
from client.topic_creation import create_topics
from serving.topics import Topics
from tests.contract.accounts import nothing_is_lost, scored_some
from tests.contract.conftest import DATA_PARTITIONS, VARIANTS, package, put_in_force
from tests.server_process import ServerProcess
from tests.stream import Stream

OUTAGE_S = 20.0


class Witness:
    """Two servers of one variant, each on topics of its own, and what they are asked in each act."""

    def __init__(self, variant: str, kafka: EmbeddedKafka, directory: Path, running: ExitStack) -> None:
        self.promised = package(variant).guarantees
        self.ids: list[str] = []

        def started(prefix: str) -> tuple[ServerProcess, Stream]:
            stream = Stream(kafka.bootstrap_servers, Topics.prefixed(f"{variant}-{prefix}"))
            create_topics(stream.bootstrap_servers, stream.topics, DATA_PARTITIONS)
            log = directory / f"{stream.prefix}.log"
            return running.enter_context(ServerProcess(variant, stream.bootstrap_servers, stream.prefix, log)), stream

        self.stays, self.stream = started("stays")
        self.leaves, self.other_stream = started("leaves")

    def works(self) -> None:
        """The broker is there; the load ends just before it goes away."""
        for server, stream in ((self.stays, self.stream), (self.leaves, self.other_stream)):
            put_in_force(server.wait_until_ready(), stream, 1.0)
        with self.stream.flow("before") as flow, self.other_stream.flow():
            scored_some(self.stays)
            scored_some(self.leaves)
        self.ids += flow.ids

    def notices(self) -> None:
        """The broker is away."""
        self.stays.wait_until_said("Broker lost")
        assert self.stays.get("/healthz") == (503, {"ready": True, "broker": False})

    def is_stopped(self) -> None:
        """The broker is away."""
        self.leaves.wait_until_said("Broker lost")
        self.leaves.process.send_signal(signal.SIGTERM)
        assert self.leaves.wait(deadline_s=10) == 0

    def carries_on(self) -> None:
        """The broker is back."""
        with self.stream.flow("after") as flow:
            self.stays.wait_until_said("Broker back")
            scored_some(self.stays)
        self.ids += flow.ids
        nothing_is_lost(self.stream, self.stays, self.ids, self.promised)
        assert self.stays.said.count("Broker lost") == self.stays.said.count("Broker back") == 1
        assert self.stays.stop() == 0
        assert len(self.stays.said.splitlines()) < 200 + 12 * OUTAGE_S, "an outage is one line, not a flood"


Act = Callable[[Witness], None]
Play = Mapping[tuple[str, Act], "Future[None]"]
"""How each act went for each variant."""


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """All variants go through one outage, as it takes the same time for one as for five."""
    directory = tmp_path_factory.mktemp("outage")
    done: dict[tuple[str, Act], Future[None]] = {}
    with ExitStack() as running, ThreadPoolExecutor(2 * len(VARIANTS)) as actors:

        def played(*acts: Act) -> None:
            now = {(name, act): actors.submit(act, each) for name, each in witnesses.items() for act in acts}
            done.update(now)
            for future in now.values():
                future.exception()  # whoever it concerns raises it again

        with EmbeddedKafka(port=None, data_dir=directory / "kafka") as kafka:
            witnesses = {name: Witness(name, kafka, directory, running) for name in VARIANTS}
            played(Witness.works)
        played(Witness.notices, Witness.is_stopped)
        threading.Event().wait(OUTAGE_S)  # the outage is the input of these tests
        with EmbeddedKafka(port=kafka.port, data_dir=directory / "kafka", keep=True):
            played(Witness.carries_on)
    return done


def test_the_broker_stopped_for_20_s_and_started_again_is_carried_on_with(play: Play, variant: str) -> None:
    for act in (Witness.works, Witness.notices, Witness.carries_on):
        assert play[variant, act].result() is None


def test_stopped_while_the_broker_is_away_it_still_ends_in_time(play: Play, variant: str) -> None:
    for act in (Witness.works, Witness.is_stopped):
        assert play[variant, act].result() is None
