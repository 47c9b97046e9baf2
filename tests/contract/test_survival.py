"""Nothing is lost, by record id: stops, kills, outages, and instances that come and go, all under load."""

import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from client.embedded_kafka import EmbeddedKafka
from client.topic_creation import create_topics
from protobufs.serving_result_pb2 import ServingResult
from serving.topics import Topics
from tests.contract.conftest import Start
from tests.models import slow, times_alcohol
from tests.process import ROOT
from tests.server_process import ServerProcess
from tests.stream import Stream, model

OUTAGE_S = 20.0
SOON_MISSED = ("--session-timeout-ms", "2000")  # the group gives a killed member's partitions away after this time


def served_some(server: ServerProcess, records: int = 500) -> None:
    server.wait_until_state(lambda state: state.get("usage", 0) >= records)


def ids_of(scores: list[ServingResult]) -> set[str]:
    return {score.record_id for score in scores}


def redelivered(scores: list[ServingResult]) -> int:
    return sum(count - 1 for count in Counter(score.record_id for score in scores).values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_exits_0_within_10_s_and_nothing_is_lost_or_scored_twice(
    start: Start, stream: Stream, variant: str, number: signal.Signals
) -> None:
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    with stream.flow() as flow:
        server = start().wait_until_ready()
        served_some(server)
        server.process.send_signal(number)
        assert server.wait(deadline_s=10) == 0
    assert server.said.splitlines()[-1].split(" ", 1)[1].startswith("Stopped - ")
    committed = stream.committed(variant)
    assert 0 < sum(committed.values()) < len(flow.ids), "it stopped in the middle"
    start().wait_until_ready()
    scores = stream.scores_of(flow.ids)
    assert redelivered(scores) == 0


def test_killed_under_load_nothing_is_lost(start: Start, stream: Stream) -> None:
    stream.publish_model(model("slow", data=slow(1.0)))  # so that a kill nearly always finds a batch in hand
    with stream.flow() as flow:
        for _ in range(3):
            server = start("--max-batch", "200", "--commit-interval-ms", "0", *SOON_MISSED).wait_until_ready()
            served_some(server)
            server.kill()
    start(*SOON_MISSED).wait_until_ready()
    assert ids_of(stream.scores_of(flow.ids)) == set(flow.ids)


def test_killed_it_serves_at_once_with_the_newest_model_that_can_be_loaded(start: Start, stream: Stream) -> None:
    server = start(*SOON_MISSED).wait_until_ready()
    for factor in (1.0, 2.0):
        stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))
    stream.publish_model(model("broken", data=b"no model"))
    stream.dead_letter(b"wine")
    server.kill()
    stream.publish_wines(["while it was down"])
    restarted = start(*SOON_MISSED).wait_until_ready()
    (score,) = stream.scores_of(["while it was down"])
    assert score.model_name == "times 2.0"
    state = restarted.wait_until_state(lambda state: state["usage"] == 1)
    assert state["skipped"] == 0


def test_records_wait_until_the_models_in_the_topic_are_loaded(start: Start, stream: Stream) -> None:
    pmml = (ROOT / "data" / "models" / "wine-forest.pmml").read_bytes()  # slow to load: it starts a Java runtime
    stream.publish_model(model("forest", "PMML", pmml))
    stream.publish_wines(["waiting"])
    server = start().wait_until_ready()
    (score,) = stream.scores_of(["waiting"])
    assert score.model_name == "forest"
    assert server.get("/state")[1]["skipped"] == 0
    assert server.stop() == 0, "the Java runtime leaves the signals to us"


def test_a_stop_while_a_model_starts_java_is_in_time_and_in_good_order(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    stream.publish_model(model("forest", "PMML", (ROOT / "data" / "models" / "wine-forest.pmml").read_bytes()))
    server.wait_until_said("Model arrived")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait(deadline_s=10) == 0


def test_instances_that_join_leave_and_die_lose_nothing(start: Start, stream: Stream) -> None:
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    with stream.flow() as flow:
        first = start().wait_until_ready()
        served_some(first)
        second = start().wait_until_ready()
        served_some(second)
        third = start().wait_until_ready()
        served_some(third)
        assert second.stop() == 0
        third.kill()
        usage = first.get("/state")[1]["usage"]
        first.wait_until_state(lambda state: state["usage"] > usage)
    assert ids_of(stream.scores_of(flow.ids)) == set(flow.ids)


def test_the_broker_stopped_for_20_s_and_started_again_is_carried_on_with(tmp_path: Path, start: Start) -> None:
    data_dir = tmp_path / "kafka"
    with EmbeddedKafka(port=None, data_dir=data_dir) as kafka:
        stream = Stream(kafka.bootstrap_servers, Topics.prefixed("outage"))
        create_topics(kafka.bootstrap_servers, stream.topics, 3)
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server = start(on=stream).wait_until_ready()
        with stream.flow("before") as before:
            served_some(server)
    server.wait_until_said("Broker lost")
    assert server.get("/healthz") == (503, {"ready": True, "broker": False})
    threading.Event().wait(OUTAGE_S)  # the outage is the input of this test
    with EmbeddedKafka(port=kafka.port, data_dir=data_dir, keep=True):
        with stream.flow("after") as after:
            server.wait_until_said("Broker back")
            usage = server.get("/state")[1]["usage"]
            server.wait_until_state(lambda state: state["usage"] > usage)
        ids = before.ids + after.ids
        assert ids_of(stream.scores_of(ids)) == set(ids)
        assert server.said.count("Broker lost") == server.said.count("Broker back") == 1
        assert server.stop() == 0
    assert len(server.said.splitlines()) < 200 + 12 * OUTAGE_S, "an outage is one line, not a flood"


def test_stopped_while_the_broker_is_away_it_still_ends_in_time(tmp_path: Path, start: Start) -> None:
    with EmbeddedKafka(port=None, data_dir=tmp_path / "kafka") as kafka:
        stream = Stream(kafka.bootstrap_servers, Topics.prefixed("outage"))
        create_topics(kafka.bootstrap_servers, stream.topics, 3)
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server = start(on=stream).wait_until_ready()
        with stream.flow():
            served_some(server)
    server.wait_until_said("Broker lost")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait(deadline_s=10) == 0
