"""A streams server's broker comes back with nothing in it while a batch is in flight: the server ends, in time."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.conftest import DATA_PARTITIONS
from tests.support.models import slow
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

VARIANTS = ("streams_inmemory", "streams_kvstore", "streams_customstore")
ENDED_S = 20.0  # the broker is asked once a second, and an end takes 10 s at most
RECORDS = 20_000  # seconds of work for the model

HANGS = """
import runpy, sys, threading
from serving.scoring import outcomes

def hangs(*_):
    print("hangs now", flush=True)
    threading.Event().wait()

outcomes.score_batch = hangs
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


@pytest.mark.thorough
def test_a_broker_that_was_wiped_while_a_batch_was_in_flight_ends_the_server_though_its_model_hangs(
    tmp_path: Path,
) -> None:
    port = free_port()
    with ExitStack() as running:
        servers: list[ServerProcess] = []
        with EmbeddedKafka(port=port, data_dir=tmp_path / "first"):
            for variant in VARIANTS:
                for name, program in (("busy", None), ("hanging", HANGS)):
                    topics = Topics.prefixed(f"{variant}-{name}")
                    stream = Stream(f"127.0.0.1:{port}", topics)
                    create_topics(stream.bootstrap_servers, topics, DATA_PARTITIONS)
                    log = tmp_path / f"{variant}-{name}.log"
                    server = ServerProcess(variant, stream.bootstrap_servers, stream.prefix, log, program=program)
                    servers.append(running.enter_context(server))
                    server.wait_until_ready()
                    stream.publish_model(model("slow", data=slow(1.0)))
                    server.wait_until_said("Model serving - slow")
                    stream.publish_wines([f"wine-{number}" for number in range(RECORDS)])
                    server.wait_until_said("Calculated quality" if program is None else "hangs now")
        with EmbeddedKafka(port=port, data_dir=tmp_path / "second"):
            for server in servers:
                assert server.wait(ENDED_S) == 1
                (line,) = server.errors
                assert "another Kafka cluster" in line
