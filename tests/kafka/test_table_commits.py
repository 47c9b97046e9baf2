"""What is committed is in the changelog: a server whose disk is lost right after a commit has lost no count."""

import shutil
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from serving.settings.topics import Topics
from tests.contract.accounts import settled
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

# faust's flush before a commit gives up when nothing was sent for 0.1 s; and it drops what could not be sent.
BUSY_PRODUCER = """
import asyncio, runpy, sys
from aiokafka.errors import KafkaTimeoutError
from faust.transport.producer import ProducerBuffer

send, failed = ProducerBuffer._send_pending, set()

async def slow(self, sent):
    await asyncio.sleep(1.0)
    row = sent.message.partition, sent.message.key
    if row in failed:
        await send(self, sent)
    else:
        failed.add(row)
        sent.set_exception(KafkaTimeoutError())

ProducerBuffer._send_pending = slow
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
RECORDS = 50


@pytest.mark.parametrize(  # both are made of the same parts
    "variant", ["streams_kvstore", pytest.param("streams_customstore", marks=pytest.mark.thorough)]
)
def test_what_is_committed_is_in_the_changelog_however_busy_the_producer_is(
    variant: str, broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    words = (variant, stream.bootstrap_servers, stream.prefix)
    flags = ("--commit-interval-ms", "0", "--session-timeout-ms", "2000")
    disk = tmp_path / "disk"
    with ServerProcess(*words, tmp_path / "first", *flags, data_dir=disk, program=BUSY_PRODUCER) as server:
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_state(lambda state: state["name"] == "times 1.0")
        stream.publish_wines([f"id-{number}" for number in range(RECORDS)])
        settled(stream, server)
        server.kill()
    shutil.rmtree(disk)
    with ServerProcess(*words, tmp_path / "second", *flags, data_dir=disk) as server:
        server.wait_until_ready()
        assert server.state()["usage"] == RECORDS
