"""What many partitions cost: a model's bytes are held once per instance; measured, with a model of 14.8 MB."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

MODEL_BYTES = 14_800_000
FEW, MANY = 3, 48
MOST = 1.3  # times the memory of the few
MOST_DESCRIPTORS = 2  # more for each partition more
SOON_MISSED = ("--session-timeout-ms", "2000")
START_S = 120.0


class Instance:
    """A server of a group with so many partitions."""

    def __init__(self, running: ExitStack, variant: str, broker: EmbeddedKafka, partitions: int, path: Path) -> None:
        topics = Topics.prefixed(f"memory-{uuid4().hex[:8]}")
        create_topics(broker.bootstrap_servers, topics, partitions)
        self.stream = Stream(broker.bootstrap_servers, topics)
        self._broker = broker
        self._partitions = partitions
        self._path = path
        self._running = running
        self._variant = variant
        path.mkdir()

    def start(self) -> None:
        words = (self._variant, self.stream.bootstrap_servers, self.stream.prefix)
        log = self._path / f"{len(list(self._path.glob('*.log')))}.log"
        server = ServerProcess(*words, log, *SOON_MISSED, data_dir=self._path / "state")
        self.server = self._running.enter_context(server).wait_until_ready(START_S)

    def serve(self, name: str) -> None:
        """A record of each partition is scored."""
        self.server.wait_until_state(lambda state: state["name"] == "large", deadline_s=START_S)
        for partition in range(self._partitions):
            self.stream.publish_wines([f"{name}-{partition}"], partition=partition)
        self.stream.scores_of([f"{name}-{partition}" for partition in range(self._partitions)])
        self.server.wait_until(lambda: self.stream.all_committed(self.server.group), "all is committed")

    def lose_disk(self) -> None:
        """It is killed, and its disk is lost."""
        self.server.kill()
        shutil.rmtree(self._path / "state")

    @property
    def memory_bytes(self) -> int:
        return int(psutil.Process(self.server.process.pid).memory_info().rss)

    @property
    def descriptors(self) -> int:
        return int(psutil.Process(self.server.process.pid).num_fds())

    @property
    def changelog_bytes(self) -> int:
        partitions = self._broker.data_dir.rglob(f"{self.server.group}-*-changelog-*/*.log")
        return sum(segment.stat().st_size for segment in partitions)


@pytest.mark.parametrize(  # both are made of the same parts
    "variant", ["streams_kvstore", pytest.param("streams_customstore", marks=pytest.mark.thorough)]
)
def test_many_partitions_cost_little_more_memory_than_few(variant: str, broker: EmbeddedKafka, tmp_path: Path) -> None:
    with ExitStack() as running:
        few, many = (Instance(running, variant, broker, each, tmp_path / str(each)) for each in (FEW, MANY))
        for life in ("after a record in each partition", "restored, after its disk was wiped"):
            for instance in (few, many):
                instance.start()
                if life.startswith("after"):
                    instance.stream.publish_model(model("large", data=times_alcohol(1.0, padding=MODEL_BYTES)))
            for instance in (few, many):
                instance.serve(life)
            memory, files = (few.memory_bytes, many.memory_bytes), (few.descriptors, many.descriptors)
            print(f"{variant} {life}: {memory[0] / 1e6:.0f} and {memory[1] / 1e6:.0f} MB, {files} descriptors")
            assert memory[1] <= MOST * memory[0]
            assert files[1] - files[0] <= MOST_DESCRIPTORS * (MANY - FEW)
            for instance in (few, many):
                instance.lose_disk()
            written = few.changelog_bytes, many.changelog_bytes
            print(f"{variant} {life}: changelogs of {written[0] / 1e6:.1f} and {written[1] / 1e6:.1f} MB")
            assert max(written) < 1.1 * MODEL_BYTES, "a model is written once"
