"""What the demo reads from a real scores topic."""

import io
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from client.broker.embedded_kafka import EmbeddedKafka
from client.demo.one.scores import ScoreReader
from client.demo.one.view import DemoView
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics
from tests.support.raw_batches import RawRecord, send
from tests.support.stream import Stream

DEADLINE_S = 20.0
NO_TEXT = b"caf\xe9"


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    """The test plays the server."""
    return Stream(broker.bootstrap_servers, topics)


def now_ms() -> int:
    """As the messages carry it."""
    return time.time_ns() // 1_000_000


def result(model: str, record_id: str, *, record_ts: int, scored_ts: int) -> bytes:
    """A score as a server writes it."""
    message = ServingResult(
        data_type="wine", record_id=record_id, value=5.5, model_name=model, record_ts=record_ts, scored_ts=scored_ts
    )
    return message.SerializeToString()


def read_until(scores: ScoreReader, holds: Callable[[], bool]) -> None:
    """Read until it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, scores.summary()
        scores.read(0.1)


def test_scores_are_read_from_the_first_on_and_what_is_none_is_passed_over(stream: Stream, topics: Topics) -> None:
    ts = now_ms()
    stream.publish(topics.scores, result("linear", "early", record_ts=ts, scored_ts=ts), b"early", 0)
    for junk in (b"\xff\xff\xff", b"", None):
        stream.publish(topics.scores, junk, b"junk", 0)
    stream.publish(topics.scores, result("linear", "late", record_ts=ts, scored_ts=ts), b"late", 0)
    stream.flush()
    with ScoreReader(stream.bootstrap_servers, topics.scores) as scores:
        read_until(scores, lambda: scores.view.snapshot(time.monotonic()).last_scores[:1] != ())
        read_until(scores, lambda: scores.summary().records == 2)
        last = scores.view.snapshot(time.monotonic()).last_scores
    assert [score.record_id for score in last] == ["late", "early"]


def test_partitions_that_come_in_any_order_are_one_swap(stream: Stream, topics: Topics) -> None:
    # Each partition holds scores of both models; read one after the other they would be five swaps.
    ts = now_ms()
    for partition in (0, 1, 2):
        for model, later_ms in (("linear", 0), ("forest", 1000)):
            value = result(model, f"{model}-{partition}", record_ts=ts, scored_ts=ts + later_ms)
            stream.publish(topics.scores, value, b"wine", partition)
    stream.flush()
    with ScoreReader(stream.bootstrap_servers, topics.scores) as scores:
        read_until(scores, lambda: scores.summary().records == 6)
        summary = scores.summary()
    assert (summary.models, summary.swaps) == (("linear", "forest"), 1)


def test_latency_is_from_submission_to_arrival_and_leaves_out_what_waited_for_the_start(
    stream: Stream, topics: Topics
) -> None:
    before_ms = now_ms()
    stream.publish(topics.scores, result("linear", "a", record_ts=before_ms - 60_000, scored_ts=before_ms), b"a", 0)
    stream.flush()
    with ScoreReader(stream.bootstrap_servers, topics.scores) as scores:
        read_until(scores, lambda: scores.summary().records == 1)
        assert scores.view.snapshot(time.monotonic()).p99_ms is None
        assert scores.summary().p99_ms is None
        submitted_ms = now_ms()
        value = result("linear", "b", record_ts=submitted_ms, scored_ts=submitted_ms)
        stream.publish(topics.scores, value, b"b", 0)
        stream.flush()
        read_until(scores, lambda: scores.summary().records == 2)
        latency_ms = scores.summary().p99_ms
    assert latency_ms is not None
    assert 0 <= latency_ms <= now_ms() + 1 - submitted_ms  # what it began with was rounded down


def test_time_stamps_headers_and_numbers_of_a_stranger_spoil_nothing(stream: Stream, topics: Topics) -> None:
    with ScoreReader(stream.bootstrap_servers, topics.scores) as scores:
        ts = now_ms() + 50  # not from before the reader began
        times = (-(2**63), -1, 0, ts, 2**63 - 1)
        values = [result("linear", f"at {each}", record_ts=each, scored_ts=each) for each in times]
        values.append(ServingResult(value=float("nan"), model_name="linear", data_type="wine").SerializeToString())
        headers = [(NO_TEXT, NO_TEXT)]
        send(stream.bootstrap_servers, topics.scores, 0, [RawRecord(NO_TEXT, each, 0, headers) for each in values])
        read_until(scores, lambda: scores.summary().records == len(values))
        summary, snapshot = scores.summary(), scores.view.snapshot(time.monotonic())
    assert summary.p99_ms is not None and 0 <= summary.p99_ms < 60_000
    assert (summary.p50_ms, snapshot.p99_ms) == (summary.p99_ms, summary.p99_ms), "only one of them names a time"
    Console(file=io.StringIO(), width=80, height=24).print(DemoView("title", "url").picture(snapshot, "ending", 24))
