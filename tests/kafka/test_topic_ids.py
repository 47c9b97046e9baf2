"""A topic of the same name is another topic once it was deleted and created again: a real broker's ids tell."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    NewTopic,
)

from client.broker.embedded_kafka import EmbeddedKafka
from serving.errors import PartitionsChanged
from serving.kafka.broker import Broker
from serving.settings.server import Settings
from serving.settings.topics import Topics

DEADLINE_S = 30.0


class Watching:
    """The kernel's view of a broker, and which of its topics were recreated, in order; made in an event loop."""

    def __init__(self, broker: EmbeddedKafka, topics: Topics) -> None:
        prefix = topics.data.removesuffix("_data")
        self._bootstrap_servers = broker.bootstrap_servers
        words = ["--bootstrap-servers", self._bootstrap_servers, "--topic-prefix", prefix]
        self.broker = Broker(Settings.read("program", words), lambda _: None)
        self.recreated: asyncio.Queue[str] = asyncio.Queue()

    async def during(self, scene: Callable[["Watching"], Awaitable[None]]) -> None:
        try:
            await self.broker.wait_for_topics()
            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(
                    self.broker.watch(self._data_recreated, lambda: self.recreated.put_nowait("models"))
                )
                await scene(self)
                watching.cancel()
        finally:
            await self.broker.close()

    async def recreate(self, topic: str, partitions: int = 3) -> None:
        admin = AdminClient({"bootstrap.servers": self._bootstrap_servers})
        await asyncio.wrap_future(admin.delete_topics([topic])[topic])
        new = NewTopic(topic, partitions)
        await asyncio.wrap_future(admin.create_topics([new])[topic])

    async def _data_recreated(self) -> None:
        self.recreated.put_nowait("data")


def test_a_recreated_topic_is_noticed_and_its_new_id_is_known_by_then(broker: EmbeddedKafka, topics: Topics) -> None:
    async def scene(watching: Watching) -> None:
        data, models = watching.broker.data_topic_id, watching.broker.models_topic_id
        assert len({data, models, ""}) == 3
        await watching.recreate(topics.data)
        assert await watching.recreated.get() == "data"
        assert watching.broker.data_topic_id not in {data, models}
        assert watching.broker.models_topic_id == models
        await watching.recreate(topics.models, 1)
        assert await watching.recreated.get() == "models"
        assert watching.broker.models_topic_id not in {data, models, watching.broker.data_topic_id}

    async def watch() -> None:
        await Watching(broker, topics).during(scene)

    asyncio.run(watch())


def test_a_data_topic_that_comes_back_with_more_partitions_ends_the_server_with_what_to_do(
    broker: EmbeddedKafka, topics: Topics
) -> None:
    async def scene(watching: Watching) -> None:
        await watching.recreate(topics.data, 5)
        await asyncio.Event().wait()

    async def watch() -> None:
        await Watching(broker, topics).during(scene)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(watch())
    (error,) = raised.value.exceptions
    assert isinstance(error, PartitionsChanged)
    assert (error.topic, error.before, error.now) == (topics.data, 3, 5)
    assert "start this server again" in str(error)
