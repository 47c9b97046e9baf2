"""What the model feed checks of a model beside its bytes, on a real broker: its announced sum, and its time."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.publisher import Publisher
from model import registry
from model.formats.onnx_model import OnnxModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel
from serving.models.feed import ModelFeed
from serving.scoring.records import RejectedRecord
from serving.settings.server import Settings
from serving.settings.topics import Topics
from tests.support.descriptors import no_descriptors
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

DEADLINE_S = 30.0
WITHOUT_TRIAL = ("--no-trial-load",)


class Followed:
    """A feed at work, and what came of each model: its name, or why it was refused."""

    def __init__(self, broker: EmbeddedKafka, topics: Topics, *flags: str) -> None:
        prefix = topics.data.removesuffix("_data")
        words = ["--bootstrap-servers", broker.bootstrap_servers, "--topic-prefix", prefix, *flags]
        self.said: list[str] = []
        self._changed = asyncio.Event()
        self._feed = ModelFeed(Settings.read("program", words), lambda: "", "beginning", self._accept, self._reject)

    async def until(self, count: int) -> list[str]:
        """What came of the models, when there are so many."""
        while len(self.said) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.said

    async def run(self, scene: Callable[["Followed"], Awaitable[None]]) -> None:
        """Follow until the scene is over."""
        running = asyncio.create_task(self._feed.run())
        async with asyncio.timeout(DEADLINE_S):
            await self._feed.caught_up.wait()
            await scene(self)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def _accept(self, arrived: ArrivedModel) -> None:
        self._say(arrived.loaded.name)

    async def _reject(self, rejected: RejectedRecord, name: str) -> None:
        self._say(f"{name}: {rejected.reason}")

    def _say(self, what: str) -> None:
        self.said.append(what)
        self._changed.set()


def test_a_sum_in_the_record_s_header_is_checked(broker: EmbeddedKafka, topics: Topics) -> None:
    descriptor, other = model("sound", data=times_alcohol(1.0)), model("other", data=times_alcohol(2.0))

    async def scene(followed: Followed) -> None:
        publisher = Publisher(broker.bootstrap_servers, topics, "test", lambda said: pytest.fail(said))
        publisher.publish_model(descriptor, threading.Event())
        assert publisher.flush(DEADLINE_S) == 0
        await followed.until(1)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for value in (b"0" * 64, b"no sum"):
            producer.produce(topics.models, other.SerializeToString(), b"wine", headers=[("sha256", value)])
        assert producer.flush(DEADLINE_S) == 0
        await followed.until(3)

    async def follow() -> list[str]:
        followed = Followed(broker, topics, *WITHOUT_TRIAL)
        await followed.run(scene)
        return followed.said

    said = asyncio.run(follow())
    assert said[0] == "sound"
    assert said[1].startswith("other: is not what was announced: its SHA-256 is ")
    assert said[2].startswith("other: comes with 'no sum' as its SHA-256, which is not 64 hexadecimal digits; ")


def test_a_model_whose_load_hangs_in_the_server_itself_does_not_stop_the_next_one(
    broker: EmbeddedKafka, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a trial, or when it hangs only the second time."""
    may_end = threading.Event()
    closed = threading.Event()

    class Late(OnnxModel):
        def close(self) -> None:
            super().close()
            closed.set()

    def load(content: bytes) -> OnnxModel:
        if content == b"hangs":
            may_end.wait(DEADLINE_S)
            return Late(times_alcohol(1.0))
        return OnnxModel(content)

    monkeypatch.setitem(registry.FORMATS, ModelDescriptor.ONNX, load)

    async def scene(followed: Followed) -> None:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for each in (model("hangs", data=b"hangs"), model("next", data=times_alcohol(2.0))):
            producer.produce(topics.models, each.SerializeToString(), b"wine")
        assert producer.flush(DEADLINE_S) == 0
        await followed.until(2)
        may_end.set()
        assert await asyncio.to_thread(closed.wait, DEADLINE_S)  # nobody else would close it

    async def follow() -> list[str]:
        followed = Followed(broker, topics, *WITHOUT_TRIAL, "--model-load-timeout-s", "0.5")
        await followed.run(scene)
        return followed.said

    assert asyncio.run(follow()) == ["hangs: did not load within 0.5 s (--model-load-timeout-s)", "next"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prlimit")
def test_a_machine_without_a_free_descriptor_scores_on_and_loads_the_model_later(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    with ServerProcess("custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / "log") as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_said("Model serving - times 1.0")
        stream.publish_wines(["before"])
        stream.scores_of(["before"])
        with no_descriptors(server.process.pid):
            for factor in (2.0, 3.0):
                stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))
            server.wait_until_said("Model waits - times 2.0: this machine cannot load it at present")
            stream.publish_wines(["meanwhile"])
            names = {score.record_id: score.model_name for score in stream.scores_of(["before", "meanwhile"])}
            assert names["meanwhile"] == "times 1.0"
        server.wait_until_said("Model serving - times 3.0")
        said = server.said
        assert said.index("Model serving - times 2.0") < said.index("Model serving - times 3.0")
        assert said.count("Model waits - ") == 1
        assert stream.end(topics.dead_letters, 0) == 0
