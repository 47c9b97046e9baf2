"""Where the model feed begins, on a real broker."""

import asyncio

import pytest

from client.embedded_kafka import EmbeddedKafka
from serving.engine import ArrivedModel, ModelStart
from serving.model_feed import ModelFeed
from serving.records import RejectedRecord
from serving.settings import Settings
from serving.topics import Topics
from tests.models import times_alcohol
from tests.stream import Stream, model

DEADLINE_S = 30.0


@pytest.mark.parametrize(
    ("start", "caught_up_with"),
    [("beginning", ["times 3.0"]), ("end", []), (2, ["times 3.0"]), (3, []), (99, ["times 3.0"])],
)
def test_the_feed_begins_where_it_is_told_and_at_the_beginning_where_that_is_not_in_the_topic(
    broker: EmbeddedKafka, topics: Topics, start: ModelStart, caught_up_with: list[str]
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    for factor in (1.0, 2.0, 3.0):
        stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))
    flags = ["--bootstrap-servers", broker.bootstrap_servers, "--topic-prefix", stream.prefix]
    settings = Settings.read("program", flags)
    arrived: list[str] = []
    last = asyncio.Event()

    async def accept(model: ArrivedModel) -> None:
        arrived.append(model.loaded.name)
        if model.loaded.name == "times 4.0":
            assert model.offset == 3
            last.set()

    async def reject(rejected: RejectedRecord, name: str) -> None:
        raise AssertionError(f"{name}: {rejected}")

    async def follow() -> list[str]:
        feed = ModelFeed(settings, start, accept, reject)
        running = asyncio.create_task(feed.run())
        async with asyncio.timeout(DEADLINE_S):
            await feed.caught_up.wait()
            before = list(arrived)
            stream.publish_model(model("times 4.0", data=times_alcohol(4.0)))
            await last.wait()
        running.cancel()
        await asyncio.wait([running])
        return before

    assert asyncio.run(follow()) == caught_up_with
    assert arrived == [*caught_up_with, "times 4.0"]
