"""Who stands by, waits or was stuck for long is there when he is needed.

For aiokafka, who fetches nothing for ``max_poll_interval_ms`` is stuck: it leaves the group for him, and joins it again
only when it is asked for records.
"""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from experiments.observer import Observer
from serving.settings.topics import Topics
from tests.contract.accounts import distinct, settled
from tests.contract.conftest import DATA_PARTITIONS
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S, eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

BEATS = """
from aiokafka.consumer.group_coordinator import GroupCoordinator

async def beat(self, stock=GroupCoordinator._do_heartbeat):
    answered = await stock(self)
    print("heartbeat", flush=True)
    return answered

GroupCoordinator._do_heartbeat = beat
"""
"""Says each of its heartbeats."""

LONG_IDLE = f"""
import runpy, sys
from aiokafka.consumer.subscription_state import SubscriptionState
{BEATS}
idle_s = SubscriptionState.fetcher_idle_time.fget
SubscriptionState.fetcher_idle_time = property(lambda self: idle_s(self) and idle_s(self) + 2000)
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
"""For half an hour it has fetched nothing: twice as long as faust allows."""

IMPATIENT = f"""
import functools, os, pathlib, runpy, sys, time
from serving.scoring import outcomes
{BEATS}
hold = pathlib.Path(os.environ["HOLD"])

def held(*words, stock=outcomes.score_batch):
    while hold.exists():
        time.sleep(0.01)
    return stock(*words)

outcomes.score_batch = held
from custom_stage.delivery import source
source.consumer = functools.partial(source.consumer, max_poll_interval_ms=1000)
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
"""It may fetch nothing for a second, in place of 5 minutes; its model works as long as a file exists."""

SESSION_MS = 1000  # so five heartbeats a second
FLAGS = ("--session-timeout-ms", str(SESSION_MS))


@pytest.fixture
def hold(tmp_path: Path) -> Path:
    return tmp_path / "hold"


def many_more_heartbeats(server: ServerProcess) -> None:
    """Twice as long as it may fetch nothing."""
    before = server.said.count("heartbeat")
    server.wait_until(lambda: server.said.count("heartbeat") > before + 10, "it was a member")


def test_a_streams_instance_that_has_stood_by_for_long_takes_over(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    single = Topics.prefixed(f"{topics.data.removesuffix('_data')}-single")
    create_topics(broker.bootstrap_servers, single, 1)
    stream = Stream(broker.bootstrap_servers, single)
    words = ("streams_inmemory", stream.bootstrap_servers, stream.prefix)
    with ServerProcess(*words, tmp_path / "active", *FLAGS) as active:
        active.wait_until_ready()
        with ServerProcess(*words, tmp_path / "standby", *FLAGS, program=LONG_IDLE) as standby:
            standby.wait_until_ready()
            many_more_heartbeats(standby)
            assert active.stop() == 0
            stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
            standby.wait_until_said("Model serving - times 1.0")
            stream.publish_wines(["of the standby"])
            assert stream.scores_of(["of the standby"])


def test_a_stage_that_was_stuck_for_long_leaves_the_group_and_is_back_when_it_goes_on(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path, hold: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    group = Observer(broker.bootstrap_servers, topics, DATA_PARTITIONS)
    words = ("custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / "log", *FLAGS)
    with ServerProcess(*words, "--max-batch", "1", program=IMPATIENT, environment={"HOLD": str(hold)}) as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_said("Model serving - times 1.0")
        hold.touch()
        ids = [f"wine-{number}" for number in range(20)]
        stream.publish_wines(ids)
        eventually(lambda: group.without_members(server.group), "it had left the group")
        hold.unlink()
        settled(stream, server)
        assert distinct(stream.all_scores()) == set(ids)


def test_a_stage_whose_topic_was_away_for_long_reads_the_new_one(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path, hold: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    words = ("custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / "log", *FLAGS)
    with ServerProcess(*words, program=IMPATIENT, environment={"HOLD": str(hold)}) as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_said("Model serving - times 1.0")
        admin = AdminClient({"bootstrap.servers": stream.bootstrap_servers, "log_level": 0})
        admin.delete_topics([topics.data])[topics.data].result(DEADLINE_S)
        many_more_heartbeats(server)
        create_topics(broker.bootstrap_servers, topics, DATA_PARTITIONS)
        stream.publish_wines(["in the new topic"])
        assert stream.scores_of(["in the new topic"])
