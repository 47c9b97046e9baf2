"""The broker comes late, goes away, and comes back as another one - under all variants at once."""

import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.accounts import nothing_is_lost, scored_some
from tests.contract.conftest import DATA_PARTITIONS, VARIANTS, package, put_in_force
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, wine

OUTAGE_S = 20.0
PAUSE_S = 0.1  # between two portions, ten times over: the outage is what this is about, not the load
COMMIT_INTERVAL_MS = 10_000  # what the load left behind is to be committed while the broker is away

NOTICED_S = 10.0  # that the broker is another one: it is asked each second, for at most five
HANGS = 1234.0
HANGING = f"""
import runpy, sys, threading
from model.serving_state import ServingState

score = ServingState.score

def hanging(self, features, *words, **more):
    if (features == {HANGS}).any():
        print("the model hangs", flush=True)
        threading.Event().wait()
    return score(self, features, *words, **more)

ServingState.score = hanging
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


class Witness:
    """Two servers of one variant, each on topics of its own, and what they are asked in each act."""

    def __init__(self, variant: str, bootstrap_servers: str, directory: Path, running: ExitStack) -> None:
        self.promised = package(variant).guarantees
        self.ids: list[str] = []
        self._variant = variant
        self._directory = directory
        self._running = running
        self.stream, self.other_stream = (
            Stream(bootstrap_servers, Topics.prefixed(f"{variant}-{name}")) for name in ("stays", "leaves")
        )
        self.stays = self._started(self.stream, "stays", HANGING)
        self.leaves = self._started(self.other_stream, "leaves")

    def _started(self, stream: Stream, name: str, program: str | None = None) -> ServerProcess:
        log = self._directory / f"{self._variant}-{name}.log"
        words = (self._variant, stream.bootstrap_servers, stream.prefix, log)
        flags = ("--broker-timeout-s", "120", "--commit-interval-ms", str(COMMIT_INTERVAL_MS))
        return self._running.enter_context(ServerProcess(*words, *flags, program=program))

    def waits(self) -> None:
        """There is no broker yet."""
        for server in (self.stays, self.leaves):
            server.wait_until_said("Waiting up to 120 s")

    def works(self) -> None:
        """The broker is there; the load ends just before it goes away."""
        for server, stream in ((self.stays, self.stream), (self.leaves, self.other_stream)):
            create_topics(stream.bootstrap_servers, stream.topics, DATA_PARTITIONS)
            put_in_force(server.wait_until_ready(), stream, 1.0)
        with self.stream.background_load("before", PAUSE_S) as load, self.other_stream.background_load(pause_s=PAUSE_S):
            scored_some(self.stays)
            scored_some(self.leaves)
        self.ids += load.ids

    def notices(self) -> None:
        """The broker is away."""
        self.stays.wait_until_said("Broker lost")
        assert self.stays.get("/healthz") == (
            503,
            {"ready": False, "broker": False, "reason": "no Kafka broker answers"},
        )

    def is_stopped(self) -> None:
        """The broker is away."""
        self.leaves.wait_until_said("Broker lost")
        self.leaves.process.send_signal(signal.SIGTERM)
        assert self.leaves.wait(deadline_s=10) == 0
        assert self.leaves.said.splitlines()[-1].split(" ", 1)[1].startswith("Stopped - "), "it was not cut short"
        assert "Traceback" not in self.leaves.said

    def carries_on(self) -> None:
        """The broker is back."""
        with self.stream.background_load("after", PAUSE_S) as load:
            self.stays.wait_until_said("Broker back")
            scored_some(self.stays)
        self.ids += load.ids
        nothing_is_lost(self.stream, self.stays, self.ids, self.promised)
        assert self.stays.said.count("Broker lost") == self.stays.said.count("Broker back") == 1
        meanwhile = self.stays.said.partition("Broker lost")[2].partition("Broker back")[0].splitlines()
        others = [line for line in meanwhile if "Calculated" not in line and "lines like this" not in line]
        assert len(others) < 5, f"an outage is one line, not a flood: {others}"

    def hangs(self) -> None:
        """The broker is back, and the model does not return."""
        self.stream.publish_wines(["hangs"], wine(alcohol=HANGS))
        self.stays.wait_until_said("the model hangs")

    def is_succeeded(self) -> None:
        """Another broker is there, with nothing in it."""
        fresh = Stream(self.stream.bootstrap_servers, self.stream.topics)
        create_topics(fresh.bootstrap_servers, fresh.topics, DATA_PARTITIONS)
        assert self.stays.wait(NOTICED_S + 10) == 1, "it ends, though something hangs"
        (line,) = self.stays.errors
        assert "another Kafka cluster" in line
        successor = self._started(fresh, "succeeds").wait_until_ready()
        put_in_force(successor, fresh, 2.0)
        fresh.publish_wines(["first"])
        assert fresh.scores_of(["first"])[-1].model_name == "times 2.0"
        assert successor.stop() == 0


Act = Callable[[Witness], None]
Play = Mapping[tuple[str, Act], "Future[None]"]
"""How each act went for each variant."""


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """All variants go through the same acts, as these take the same time for one as for five."""
    directory = tmp_path_factory.mktemp("outage")
    done: dict[tuple[str, Act], Future[None]] = {}
    with ExitStack() as running, ThreadPoolExecutor(2 * len(VARIANTS)) as actors:

        def played(*acts: Act) -> None:
            now = {(name, act): actors.submit(act, each) for name, each in witnesses.items() for act in acts}
            done.update(now)
            for future in now.values():
                future.exception()  # its waiter raises it again

        port = free_port()
        witnesses = {name: Witness(name, f"127.0.0.1:{port}", directory, running) for name in VARIANTS}
        played(Witness.waits)
        with EmbeddedKafka(port=port, data_dir=directory / "kafka"):
            played(Witness.works)
        played(Witness.notices, Witness.is_stopped)
        threading.Event().wait(OUTAGE_S)  # the outage is the input of these tests
        with EmbeddedKafka(port=port, data_dir=directory / "kafka", keep=True):
            played(Witness.carries_on)
            played(Witness.hangs)
        with EmbeddedKafka(port=port, data_dir=directory / "another"):
            played(Witness.is_succeeded)
    return done


def test_a_server_started_before_its_broker_waits_for_it(play: Play, variant: str) -> None:
    for act in (Witness.waits, Witness.works):
        assert play[variant, act].result() is None


def test_the_broker_stopped_for_20_s_and_started_again_is_carried_on_with(play: Play, variant: str) -> None:
    for act in (Witness.works, Witness.notices, Witness.carries_on):
        assert play[variant, act].result() is None


def test_stopped_while_the_broker_is_away_it_still_ends_in_time(play: Play, variant: str) -> None:
    for act in (Witness.works, Witness.is_stopped):
        assert play[variant, act].result() is None


def test_a_broker_that_comes_back_as_another_cluster_ends_a_server_whose_model_hangs_and_the_next_one_scores(
    play: Play, variant: str
) -> None:
    for act in (Witness.works, Witness.carries_on, Witness.hangs, Witness.is_succeeded):
        assert play[variant, act].result() is None
