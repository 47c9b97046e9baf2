"""Exactly-once beyond its broker's patience: idle longer than ids are kept; more to write than fits a transaction."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message

from client.broker import files as broker_files
from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.accounts import settled
from tests.contract.conftest import put_in_force
from tests.support.process import eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, headers
from tests.support.topic_reading import TopicReading

IMPATIENT = {
    "transactional.id.expiration.ms": 3000,
    "transaction.remove.expired.transaction.cleanup.interval.ms": 200,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 200,
    "producer.id.expiration.ms": 1000,
}
TRANSACTIONS = "__transaction_state"
MODES = ("at-least-once", "at-most-once", "exactly-once")
SLOW_S = 300.0
BAD_RECORDS = 60_000

SLOW_LINK = """
import asyncio, runpy, sys
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from custom_stage.delivery import transactional_sink

transactional_sink.TRANSACTION_TIMEOUT_S = 1
BYTES_PER_S = 1_000_000
stock = AIOKafkaClient.send

async def send(self, node_id, request, **more):
    if isinstance(request, ProduceRequest):
        sizes = [len(batch) for _, partitions in request._topics for _, batch in partitions]
        await asyncio.sleep(sum(sizes) / BYTES_PER_S)
    return await stock(self, node_id, request, **more)

AIOKafkaClient.send = send
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker of its own, that keeps nothing for long."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in IMPATIENT.items():
            patch.setitem(broker_files.BEHAVIOUR, name, value)
        with EmbeddedKafka(port=None, data_dir=tmp_path_factory.mktemp("impatient")) as embedded:
            yield embedded


def new_stream(broker: EmbeddedKafka, name: str) -> Stream:
    topics = Topics.prefixed(name)
    create_topics(broker.bootstrap_servers, topics, 3)
    return Stream(broker.bootstrap_servers, topics)


def is_forgotten(broker: EmbeddedKafka, transactional_id: str) -> bool:
    """Whether the broker's last message on a transactional id is a tombstone."""
    last: list[Message] = []

    def enough(message: Message) -> bool:
        if message.error() is None and transactional_id.encode() in (message.key() or b""):
            last.append(message)
        return message.error() is not None  # its end

    TopicReading(broker.bootstrap_servers).read(TRANSACTIONS, enough)
    return bool(last) and last[-1].value() is None


def test_after_a_week_without_records_a_new_producer_goes_on(impatient: EmbeddedKafka, tmp_path: Path) -> None:
    streams = {mode: new_stream(impatient, f"quiet-{mode}") for mode in MODES}
    servers = {
        mode: ServerProcess(
            "custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / f"{mode}.log", "--delivery", mode,
            "--transactional-id", f"quiet-{mode}",
        ) for mode, stream in streams.items()
    }  # fmt: skip
    with servers["at-least-once"], servers["at-most-once"], servers["exactly-once"]:
        for mode, server in servers.items():
            put_in_force(server.wait_until_ready(), streams[mode], 1.0)
            streams[mode].publish_wines(["before", "before it"])
            settled(streams[mode], server)
        eventually(lambda: is_forgotten(impatient, "quiet-exactly-once"), "the broker forgot the transactional id")
        for mode, server in servers.items():
            streams[mode].publish_wines(["after", "after it"])
            settled(streams[mode], server)
            assert server.stop() == 0
            counts = Counter(score.record_id for score in streams[mode].all_scores())
            assert counts == {"before": 1, "before it": 1, "after": 1, "after it": 1}


@pytest.mark.thorough
def test_more_bad_records_than_a_transaction_has_time_for_are_all_dead_letters_once(
    impatient: EmbeddedKafka, tmp_path: Path
) -> None:
    stream = new_stream(impatient, "flood")
    for number in range(BAD_RECORDS):
        stream.publish(stream.topics.data, b"\xff", None, number % 3)
    stream.flush()
    words = ("custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / "flood.log", "--delivery")
    with ServerProcess(*words, "exactly-once", program=SLOW_LINK) as server:
        # Each round that is given up costs seconds; on a quarter of a core there were more than fit into a minute.
        server.wait_until(lambda: stream.all_committed(server.group), "its group committed every record", SLOW_S)
        assert "Transaction took too long" in server.said
        assert server.stop() == 0
    letters = map(headers, stream.reading.all_of(stream.topics.dead_letters))
    counts = Counter((said["partition"], said["offset"]) for said in letters)
    assert len(counts) == BAD_RECORDS
    assert set(counts.values()) == {1}
