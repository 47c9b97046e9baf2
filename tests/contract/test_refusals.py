"""What the broker does not take: in each delivery mode nothing of it is committed, and nothing is silent."""

from collections import Counter
from pathlib import Path

import pytest

from tests.contract.accounts import distinct, settled
from tests.contract.conftest import DATA_PARTITIONS, VARIANTS, Start, data_dir, delivery_flags, package, put_in_force
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, headers, model, wine
from tests.support.topic_admin import TopicAdmin

MODES = [(name, mode) for name in VARIANTS for mode in package(name).guarantees.delivery]
in_each_mode = pytest.mark.parametrize(("variant", "mode"), MODES, ids=[f"{name}-{mode}" for name, mode in MODES])
RECORDS = 3000
SMALL_BYTES, TINY_BYTES = 20_000, 5_000
TOO_LONG = 30_000

TWO_HOURS_AHEAD = """
import runpy, sys, time
from aiokafka.producer.message_accumulator import BatchBuilder

stock = BatchBuilder.append
def append(self, *, timestamp, **message):
    return stock(self, timestamp=int((time.time() + 7200) * 1000), **message)
BatchBuilder.append = append
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def published(stream: Stream, name: str) -> list[str]:
    """At once."""
    ids = [f"{name}-{number}" for number in range(RECORDS)]
    stream.publish_wines(ids, wine())
    return ids


@in_each_mode
def test_topics_that_take_less_get_smaller_batches_and_nothing_is_lost(
    variant: str, mode: str, start: Start, stream: Stream
) -> None:
    admin = TopicAdmin(stream.bootstrap_servers)
    admin.limit(stream.topics.scores, SMALL_BYTES)
    admin.limit(stream.topics.dead_letters, SMALL_BYTES)
    server = start(*delivery_flags(mode)).wait_until_ready()
    put_in_force(server, stream, 1.0)
    stream.publish(stream.topics.data, b"\xff" * TOO_LONG, b"a long value", partition=0)
    stream.publish(stream.topics.data, wine(), b"k" * TOO_LONG, partition=0)
    ids = published(stream, "wine")
    settled(stream, server)
    assert server.stop() == 0
    counts = Counter(score.record_id for score in stream.all_scores())
    assert counts == dict.fromkeys(ids, 1)
    omitted = [headers(letter) for letter in stream.reading.all_of(stream.topics.dead_letters)]
    assert {said["offset"] for said in omitted} == {"0", "1"}
    assert all("omitted" in said for said in omitted)
    assert any(f"larger than {stream.topics.scores} takes" in said["reason"] for said in omitted)


@in_each_mode
def test_a_refusal_ends_the_server_with_one_line_before_anything_of_it_is_committed(
    variant: str, mode: str, start: Start, stream: Stream
) -> None:
    server = start(*delivery_flags(mode)).wait_until_ready()
    put_in_force(server, stream, 1.0)
    stream.publish_wines(["one"])
    settled(stream, server)
    TopicAdmin(stream.bootstrap_servers).limit(stream.topics.scores, TINY_BYTES)
    ids = ["one", *published(stream, "wine")]
    assert server.wait() == 1
    (line,) = server.errors
    assert "max.message.bytes" in line
    scored, committed = len(distinct(stream.all_scores())), sum(stream.committed(server.group).values())
    if mode == "at-most-once":
        return
    assert committed <= scored < len(ids)
    if variant != "custom_stage":
        return
    last = start(*delivery_flags(mode)).wait_until_ready()  # it asks what the topic takes
    settled(stream, last)
    counts = Counter(score.record_id for score in stream.all_scores())
    assert counts.keys() == set(ids)
    assert mode != "exactly-once" or set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("mode", "value"),
    [*((mode, wine()) for mode in package("custom_stage").guarantees.delivery), ("exactly-once", b"\xff")],
    ids=lambda each: each if isinstance(each, str) else "score" if each != b"\xff" else "dead letter",
)
@pytest.mark.parametrize("variant", ["custom_stage"])
def test_a_clock_that_is_hours_ahead_is_an_error_that_says_so(
    variant: str, mode: str, value: bytes, stream: Stream, tmp_path: Path
) -> None:
    stream.publish_model(model("times 1", data=times_alcohol(1.0)))
    log, words = tmp_path / "ahead.log", delivery_flags(mode)
    with ServerProcess(
        variant,
        stream.bootstrap_servers,
        stream.prefix,
        log,
        *words,
        data_dir=data_dir(tmp_path),
        program=TWO_HOURS_AHEAD,
    ) as server:
        server.wait_until_ready()
        stream.publish_wines(["one"], value)
        assert server.wait() == 1
    (line,) = server.errors
    assert "clock" in line
    assert stream.all_scores() == []
    assert mode == "at-most-once" or sum(stream.committed(server.group).values()) == 0


@pytest.mark.parametrize("mode", package("custom_stage").guarantees.delivery)
@pytest.mark.parametrize("variant", ["custom_stage"])
def test_while_the_scores_topic_is_gone_the_records_wait(variant: str, mode: str, start: Start, stream: Stream) -> None:
    server = start(*delivery_flags(mode)).wait_until_ready()
    put_in_force(server, stream, 1.0)
    admin = TopicAdmin(stream.bootstrap_servers)
    admin.delete(stream.topics.scores)
    stream.publish_wines(ids := [f"wine-{number}" for number in range(30)])
    server.wait_until_said(f"topic_deleted topic={stream.topics.scores}")
    admin.create(stream.topics.scores, DATA_PARTITIONS)
    counts = Counter(score.record_id for score in stream.scores_of(ids))
    assert counts == dict.fromkeys(ids, 1)
    assert server.stop() == 0


@pytest.mark.parametrize("variant", ["custom_stage"])
def test_a_topic_that_takes_no_ordinary_score_is_an_error_at_the_start(
    variant: str, start: Start, stream: Stream
) -> None:
    TopicAdmin(stream.bootstrap_servers).limit(stream.topics.scores, 1000)
    server = start()
    assert server.wait() == 1
    (line,) = server.errors
    assert f"--topic {stream.topics.scores} --add-config max.message.bytes" in line
