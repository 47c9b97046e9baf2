"""Nothing is lost, by record id: stops, kills, and instances that come and go, all under load."""

import signal
from dataclasses import dataclass

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.price_of_state.measuring import UNCOMPACTED
from serving.engine import Guarantees
from serving.settings.topics import Layout, Topics
from tests.contract.accounts import SKIPPED, distinct, nothing_is_lost, redelivered, scored_some, settled, taught
from tests.contract.conftest import SOON_MISSED, Start, new_stream, put_in_force
from tests.support.models import slow, times_alcohol
from tests.support.pmml_examples import ON_JAVA
from tests.support.stream import Stream, model

MAX_BATCH, MAX_IN_FLIGHT = 100, 2


@dataclass(frozen=True)
class TopicsOfAllModels(Topics):
    """The models topic keeps a model that is published again: it tells the checker since when the model scores.

    Kafka compacts what is a minute old, and a slow machine takes longer for a test.
    """

    def layout(self, data_partitions: int) -> Layout:
        """As always, but for the models."""
        return {**Topics.layout(self, data_partitions), self.models: (1, UNCOMPACTED)}


@pytest.fixture
def stream(broker: EmbeddedKafka, variant: str) -> Stream:
    return new_stream(broker, f"lost-{variant}", TopicsOfAllModels)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.thorough)])
def test_a_stop_under_load_exits_0_within_10_s_and_nothing_is_lost_or_scored_twice(
    start: Start, stream: Stream, promised: Guarantees, number: signal.Signals
) -> None:
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    with stream.background_load() as load:
        first = start().wait_until_ready()
        taught(first, stream, promised)
        scored_some(first)
        skipped = first.metric(SKIPPED)
        first.process.send_signal(number)
        assert first.wait(deadline_s=10) == 0
    assert first.said.splitlines()[-1].split(" ", 1)[1].startswith("Stopped - ")
    committed = stream.committed(first.group)
    assert 0 < sum(committed.values()) < len(load.ids), "it stopped in the middle"
    second = start().wait_until_ready()
    scores = nothing_is_lost(stream, second, load.ids, promised, skipped)
    assert redelivered(scores) == 0
    if promised.counters_survive.killed:
        assert second.state()["usage"] == len(load.ids)


def test_killed_under_load_nothing_is_lost(start: Start, stream: Stream, promised: Guarantees) -> None:
    data = slow(1.0)  # so that a kill nearly always finds a batch in flight
    stream.publish_model(model("times 1.0", data=data))
    skipped = 0.0
    with stream.background_load() as load:
        for _ in range(3):
            server = start("--max-batch", "200", "--commit-interval-ms", "0", *SOON_MISSED).wait_until_ready()
            taught(server, stream, promised, data)
            scored_some(server)
            skipped += server.metric(SKIPPED)
            server.kill()
    last = start(*SOON_MISSED).wait_until_ready()
    nothing_is_lost(stream, last, load.ids, promised, skipped)
    if promised.counters_survive.killed:
        assert last.state()["usage"] == len(load.ids)


def test_records_wait_until_the_models_in_the_topic_are_loaded(
    start: Start, stream: Stream, promised: Guarantees
) -> None:
    stream.publish_model(model("on java", "PMML", ON_JAVA))
    stream.publish_wines(["waiting"])
    server = start().wait_until_ready()
    settled(stream, server)
    learns = promised.model_survives.killed  # else: from now on only
    assert [score.model_name for score in stream.all_scores()] == ["on java"] * learns
    assert server.state()["skipped"] == (not learns)
    assert server.stop() == 0, "the Java runtime leaves the signals to us"


def test_a_stop_while_a_model_starts_java_is_in_time_and_in_good_order(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    stream.publish_model(model("on java", "PMML", ON_JAVA))
    server.wait_until_said("Model arrived")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait(deadline_s=10) == 0


def test_instances_that_join_leave_and_die_lose_nothing_and_count_it_all(
    start: Start, stream: Stream, promised: Guarantees
) -> None:
    flags = ("--max-batch", str(MAX_BATCH), "--max-in-flight", str(MAX_IN_FLIGHT), *SOON_MISSED)
    first = start(*flags, instance="first").wait_until_ready()
    put_in_force(first, stream, 1.0)
    with stream.background_load() as load:
        scored_some(first)
        second = start(*flags, instance="second").wait_until_ready()
        taught(second, stream, promised)
        scored_some(second)
        third = start(*flags, instance="third").wait_until_ready()
        taught(third, stream, promised)
        scored_some(third)
        skipped = second.metric(SKIPPED) + third.metric(SKIPPED)
        assert second.stop() == 0
        third.kill()
        scored_some(first)
    scores = nothing_is_lost(stream, first, load.ids, promised, skipped)
    if not promised.counters_survive.killed:
        return
    if "/state/value" in promised.queryable:
        assert first.state()["usage"] == len(load.ids), "one instance answers for all, those that are gone included"
        return
    # Each instance counts on a disk of its own. What the third had counted when it was killed, but not committed, came
    # to the first as new; neither can know better. So the sum is too large by at most what was scored twice, and what
    # the third had counted but not yet sent.
    servers = [first, *(start(*SOON_MISSED, instance=name).wait_until_ready() for name in ("second", "third"))]
    usage = sum(server.state()["usage"] for server in servers)
    assert len(distinct(scores)) <= usage <= len(scores) + MAX_IN_FLIGHT * MAX_BATCH
