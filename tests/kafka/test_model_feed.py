"""Where the model feed begins, on a real broker."""

import asyncio

import pytest
from confluent_kafka.admin import AdminClient

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from serving.engine import ArrivedModel, FeedPosition, ModelStart
from serving.models.feed import ModelFeed
from serving.scoring.records import RejectedRecord
from serving.settings.server import Settings
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.stream import Stream, model

DEADLINE_S = 30.0
NOW = "id of the topic that is there"


class Followed:
    """A feed at work, and the names of the models that it handed over."""

    def __init__(self, stream: Stream, start: ModelStart) -> None:
        flags = ["--bootstrap-servers", stream.bootstrap_servers, "--topic-prefix", stream.prefix]
        self.feed = ModelFeed(Settings.read("program", flags), lambda: NOW, start, self._accept, self._reject)
        self.arrived: list[str] = []
        self._changed = asyncio.Event()

    async def until_arrived(self, *names: str) -> None:
        """Wait until exactly these have been handed over."""
        while self.arrived != list(names):
            assert self.arrived == list(names)[: len(self.arrived)]
            self._changed.clear()
            await self._changed.wait()

    async def _accept(self, arrived: ArrivedModel) -> None:
        assert arrived.topic_id == NOW
        self.arrived.append(arrived.loaded.name)
        self._changed.set()

    async def _reject(self, rejected: RejectedRecord, name: str) -> None:
        raise AssertionError(f"{name}: {rejected}")


def publish(stream: Stream, *factors: float) -> None:
    for factor in factors:
        stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))


@pytest.mark.parametrize(
    ("start", "caught_up_with"),
    [
        ("beginning", ["times 3.0"]),
        ("end", []),
        (FeedPosition(NOW, 2), ["times 3.0"]),
        (FeedPosition(NOW, 3), []),
        (FeedPosition(NOW, 99), ["times 3.0"]),
        (FeedPosition("id of a topic that is gone", 3), ["times 3.0"]),
    ],
)
def test_the_feed_begins_where_it_is_told_and_at_the_beginning_where_that_is_not_in_this_topic(
    broker: EmbeddedKafka, topics: Topics, start: ModelStart, caught_up_with: list[str]
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    publish(stream, 1.0, 2.0, 3.0)

    async def follow() -> None:
        followed = Followed(stream, start)
        running = asyncio.create_task(followed.feed.run())
        async with asyncio.timeout(DEADLINE_S):
            await followed.feed.caught_up.wait()
            assert followed.arrived == caught_up_with
            publish(stream, 4.0)
            await followed.until_arrived(*caught_up_with, "times 4.0")
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(follow())


def test_a_models_topic_that_is_created_again_is_read_from_its_beginning(broker: EmbeddedKafka, topics: Topics) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    publish(stream, 1.0, 2.0)

    async def follow() -> None:
        followed = Followed(stream, "beginning")
        running = asyncio.create_task(followed.feed.run())
        async with asyncio.timeout(DEADLINE_S):
            await followed.feed.caught_up.wait()
            admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
            await asyncio.wrap_future(admin.delete_topics([topics.models])[topics.models])
            create_topics(broker.bootstrap_servers, topics, 3)
            publish(stream, 5.0, 6.0)  # as many as before: the feed's position is at the new topic's end
            followed.feed.topic_recreated()
            await followed.until_arrived("times 2.0", "times 6.0")
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(follow())
