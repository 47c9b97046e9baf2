"""The data topic is deleted and created again while a server runs: another topic, whose records all count."""

import signal
from collections import Counter

import pytest

from tests.contract.accounts import SCORED, settled
from tests.contract.conftest import DATA_PARTITIONS, Start, put_in_force
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream
from tests.support.topic_admin import TopicAdmin

FLAGS = {
    "at-least-once": (),
    "at-most-once": ("--delivery", "at-most-once"),
    "exactly-once": ("--delivery", "exactly-once"),
    "at-least-once, spill": ("--overflow", "spill"),
}
OTHERS = ("actors_persistent", "streams_inmemory", "streams_kvstore", "streams_customstore")
SCENES = [*(("custom_stage", mode) for mode in FLAGS), *((name, "at-least-once") for name in OTHERS)]
FEW, SOME, MANY = 30, 60, 90
NOTICED_S = 60.0  # the broker is asked each second; measured on a quarter of a core: 1.3 s; aiokafka alone takes 300


def recreated(stream: Stream) -> None:
    """Delete the data topic, and create it again at once."""
    admin = TopicAdmin(stream.bootstrap_servers)
    admin.delete(stream.topics.data)
    admin.create(stream.topics.data, DATA_PARTITIONS)


def published(stream: Stream, name: str, records: int) -> list[str]:
    """As many in each partition."""
    ids = [f"{name}-{number}" for number in range(records)]
    for partition in range(DATA_PARTITIONS):
        stream.publish_wines(ids[partition::DATA_PARTITIONS], partition=partition)
    return ids


def scored(server: ServerProcess, records: int) -> None:
    """So many more."""
    server.wait_until(lambda: server.metric(SCORED) >= records, f"it scored {records} records")


@pytest.mark.parametrize(("variant", "mode"), SCENES)
def test_every_record_of_the_new_topic_is_scored_however_many_the_old_one_had(
    variant: str, mode: str, start: Start, stream: Stream
) -> None:
    server = start(*FLAGS[mode]).wait_until_ready()
    put_in_force(server, stream, 1.0)
    ids = published(stream, "old", SOME)
    scored(server, SOME)
    settled(stream, server)
    # While it stands still, so that no fetch of its fails: at the old positions there are records then, too.
    server.process.send_signal(signal.SIGSTOP)
    recreated(stream)
    ids += published(stream, "more", MANY)
    server.process.send_signal(signal.SIGCONT)
    stream.scores_of(ids, NOTICED_S)
    settled(stream, server)
    recreated(stream)
    ids += published(stream, "fewer", FEW)
    stream.scores_of(ids, NOTICED_S)
    settled(stream, server)
    assert server.stop() == 0
    counts = Counter(score.record_id for score in stream.all_scores())
    assert counts.keys() == set(ids)
    if "at-least-once" not in mode:
        assert set(counts.values()) == {1}
