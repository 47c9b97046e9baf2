import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.reader.lines import line_for
from client.reader.reading import Reading
from protobufs.serving_result_pb2 import ServingResult
from serving.errors import BrokerNotFound
from serving.settings.topics import Topics
from tests.support.process import ROOT, Process
from tests.support.raw_batches import RawRecord, send
from tests.support.stream import Stream


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


def reader(stream: Stream, *words: str) -> tuple[str, ...]:
    known = ("--bootstrap-servers", stream.bootstrap_servers, "--topic-prefix", stream.prefix)
    return ("-m", "client.reader", *known, *words)


def printed(log: str) -> list[str]:
    """The lines that are messages."""
    return [line for line in log.splitlines() if line.startswith("[")]


class Seen:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.rows: Mapping[str, str] = {}

    def write(self, text: str) -> None:
        self.lines += text.splitlines()

    def log(self, text: str) -> None:
        """Not of interest."""

    def show(self, rows: Mapping[str, str], plain: str) -> None:  # noqa: ARG002 - a panel has no use for it
        self.rows = rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to put away."""


def test_scores_are_read_from_the_beginning(stream: Stream, tmp_path: Path) -> None:
    result = ServingResult(record_id="wine-1", value=5.678, model_name="forest", record_ts=1000, scored_ts=1012)
    stream.publish(stream.topics.scores, result.SerializeToString(), b"wine-1", 2)
    stream.flush()
    with Process(tmp_path / "log", *reader(stream, "--from", "beginning", "--count", "1")) as process:
        assert process.wait() == 0
        assert printed(process.said) == ["[2]@0 Calculated quality - 5.68 by forest after 12 ms (wine-1)"]
        assert process.said.endswith("read 1 messages\n")


def test_only_what_comes_later_is_read_from_the_end(stream: Stream, tmp_path: Path) -> None:
    stream.publish_wines(["early"], partition=0)
    with Process(tmp_path / "log", *reader(stream, "--topic", "data", "--count", "1")) as process:
        process.wait_until_said(f"reading {stream.topics.data} from end")
        stream.publish_wines(["late"], partition=0)
        assert process.wait() == 0
        (line,) = printed(process.said)
        assert line.startswith("[0]@1 late wine 7.4 0.7 0 1.9 ")


def test_reading_begins_at_an_offset_or_at_the_nearest_there_is(stream: Stream, tmp_path: Path) -> None:
    stream.publish_wines(["a", "b", "c"], partition=1)
    words = ("--topic", stream.topics.data, "--from", "2", "--count", "1")
    with Process(tmp_path / "log", *reader(stream, *words)) as process:
        assert process.wait() == 0
        assert [line.split()[1] for line in printed(process.said)] == ["c"]


def test_broken_messages_are_told_and_reading_goes_on(stream: Stream, tmp_path: Path) -> None:
    broken = [b"\xff\xff", b"", None, b"\x0a\x02\xff\xfe", b"\x1b[2J" * 100]
    for topic in (stream.topics.data, stream.topics.models, stream.topics.scores, stream.topics.dead_letters):
        for value in broken:
            stream.publish(topic, value, b"\x1b[31m\xff", 0)
    stream.flush()
    for short in ("data", "models", "scores", "dead-letters"):
        words = ("--topic", short, "--from", "beginning", "--count", str(len(broken)))
        with Process(tmp_path / short, *reader(stream, *words)) as process:
            assert process.wait() == 0
            assert len(printed(process.said)) == len(broken)
            assert "\x1b" not in process.said


def test_bytes_that_are_no_text_are_told_wherever_they_are(stream: Stream) -> None:
    headers = [(b"caf\xe9", b"\xff"), (b"a\x00", None), (b"", b""), (b"reason", b"\xff")]
    records = [RawRecord(b"\xe9", value, 0, headers) for value in (b"\xff\xfe", None, b"", b"12345")]
    topics = stream.topics
    for topic in (topics.data, topics.models, topics.scores, topics.dead_letters):
        send(stream.bootstrap_servers, topic, 0, records)
        seen = Seen()
        reading = Reading(stream.bootstrap_servers, "readers", topic, line_for(topic, topics))
        reading.start("beginning")
        reading.run(len(records), seen, threading.Event())
        reading.close()
        assert [line.split(" ")[0] for line in seen.lines] == [f"[0]@{offset}" for offset in range(len(records))]
    assert seen.lines[-1].endswith("5 bytes: its headers cannot be read, as a name among them is no UTF-8")


def test_ctrl_c_ends_the_reader_with_exit_code_0(stream: Stream, tmp_path: Path) -> None:
    with Process(tmp_path / "log", *reader(stream)) as process:
        process.wait_until_said("Ctrl-C stops")
        assert process.stop(signal.SIGINT) == 0
        assert process.said.endswith("read 0 messages\n")


def test_a_pipe_that_closes_ends_the_reader_without_a_traceback(stream: Stream) -> None:
    stream.publish_wines([f"wine-{number}" for number in range(1000)])
    with subprocess.Popen(
        [sys.executable, *reader(stream, "--topic", "data", "--from", "beginning")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"[")
        process.stdout.close()
        stream.publish_wines([f"more-{number}" for number in range(1000)])  # so that it writes again
        said = process.stderr.read().decode()
        assert process.wait(30) == 0
        assert "Error" not in said


def test_the_groups_of_the_servers_are_left_alone(stream: Stream, tmp_path: Path) -> None:
    stream.publish_wines(["a", "b", "c"], partition=0)
    consumer = Consumer({"bootstrap.servers": stream.bootstrap_servers, "group.id": "server", "log_level": 0})
    consumer.commit(offsets=[TopicPartition(stream.topics.data, 0, 1)], asynchronous=False)
    consumer.close()
    words = ("--topic", "data", "--from", "beginning", "--count", "3", "--group", "server")
    with Process(tmp_path / "log", *reader(stream, *words)) as process:
        assert process.wait() == 0
    assert stream.committed("server") == {0: 1, 1: 0, 2: 0}


def test_the_lag_is_what_is_still_to_be_read(stream: Stream) -> None:
    stream.publish_wines([f"wine-{number}" for number in range(10)], partition=0)
    reading, seen = Reading(stream.bootstrap_servers, "reader", stream.topics.data, lambda it: str(it.offset())), Seen()
    try:
        reading.start("beginning")
        reading.run(4, seen, threading.Event())
        assert seen.lines == ["0", "1", "2", "3"]
        assert seen.rows["lag"] == "6 messages"
        reading.run(10, seen, threading.Event())
        assert seen.rows["lag"] == "0 messages"
        assert seen.rows["read"].startswith("10 messages, ")
    finally:
        reading.close()


class WithoutLeader(Consumer):
    """Is told twice that the partition has no leader, as happens to who comes right after a topic's creation."""

    left = 2

    def get_watermark_offsets(self, *at: Any, **how: Any) -> Any:
        if self.left and "timeout" in how:
            self.left -= 1
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return super().get_watermark_offsets(*at, **how)


def test_a_topic_that_was_just_created_is_read_as_soon_as_it_has_leaders(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.publish_wines(["wine"], partition=2)
    monkeypatch.setattr("client.reader.reading.Consumer", WithoutLeader)
    reading, seen = Reading(stream.bootstrap_servers, "reader", stream.topics.data, lambda it: str(it.key())), Seen()
    try:
        reading.start("beginning")
        reading.run(1, seen, threading.Event())
    finally:
        reading.close()
    assert seen.lines == ["b'wine'"]


def test_a_topic_that_does_not_exist_is_one_line(stream: Stream, tmp_path: Path) -> None:
    with Process(tmp_path / "log", *reader(stream, "--topic", "wines")) as process:
        assert process.wait() == 1
        assert process.said.splitlines() == process.errors
        assert "topic wines does not exist" in process.said
        assert "python -m client.provider creates" in process.said


def test_no_broker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.reader.reading.TIMEOUT_S", 0.3)
    reading = Reading(f"127.0.0.1:{free_port()}", "reader", "models_scores", str)
    try:
        with pytest.raises(BrokerNotFound, match=r"start one with: python -m client\.provider"):
            reading.start("end")
    finally:
        reading.close()
