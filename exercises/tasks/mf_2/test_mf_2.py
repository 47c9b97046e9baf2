"""Grades mf-2: a model arrives: load it, or refuse it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.models import LIMIT_S, TOPIC_ID, PlayedFeed, PlayedLoading, PlayedTopic, descriptor

POSTPONED_S = 0.001
ALWAYS = 1_000_000


@pytest.fixture
def module(answer: Answer) -> Any:
    """The answer's; it does not wait long for what this machine cannot load yet."""
    loaded = answer.load()
    vars(loaded).update(POSTPONED_S=POSTPONED_S, MAX_POSTPONED_S=POSTPONED_S)
    return loaded


def published(*names: str) -> PlayedTopic:
    """A topic with these models for wine."""
    topic = PlayedTopic()
    for name in names:
        topic.publish(descriptor(name))
    return topic


def follow(
    module: Any, topic: PlayedTopic, loading: PlayedLoading, then: Callable[[PlayedFeed], Awaitable[None]]
) -> PlayedFeed:
    """The feed, after it has read the topic and this has happened."""

    async def run() -> PlayedFeed:
        async with PlayedFeed(module, topic, "beginning", loading) as feed:
            await then(feed)
        return feed

    return asyncio.run(run())


async def caught_up(feed: PlayedFeed) -> None:
    """Nothing more happens."""
    await feed.until_caught_up()


def test_a_model_that_loads_is_handed_over(module: Any) -> None:
    feed = follow(module, published("good"), PlayedLoading(), caught_up)
    expect(
        feed.told == ["accept good"],
        "A model that loads is not handed over, once and nothing else.",
        expected=["accept good"],
        happened=feed.told,
        means="the engine never gets the model, and every wine is skipped",
    )
    (arrived,) = feed.arrived
    handed_over = (arrived.loaded.model_type, arrived.descriptor.description, arrived.topic_id)
    expect(
        handed_over == ("ONNX", "kept", TOPIC_ID),
        "The model is handed over with another descriptor, or another topic's id, than it should have.",
        expected="the descriptor that came with the loaded model, and the id of its topic",
        happened=f"description {handed_over[1]!r}, topic id {handed_over[2]!r}",
        means="a restart loads the model from its location again, where other bytes may be by then",
    )


def test_a_model_that_cannot_serve_is_refused(module: Any) -> None:
    async def then(feed: PlayedFeed) -> None:
        await feed.until_caught_up()
        for name in ("bad", "better"):
            feed.consumer.topic.publish(descriptor(name))
        await feed.until_told("accept better")

    feed = follow(module, published("good"), PlayedLoading(faults=["bad"]), then)
    expect(
        feed.told == ["accept good", "reject 1", "accept better"],
        "A model that cannot serve is not refused, once and in its turn.",
        expected=["accept good", "reject 1", "accept better"],
        happened=feed.told,
        means="its author waits for a model that nobody has, and nothing tells why",
    )
    ((rejected, name),) = feed.rejected
    expect(
        (rejected.reason, rejected.data_type, name) == ("bad is no model", "wine", "bad"),
        "The refusal does not have the reason, the data type and the name of the model.",
        expected="reason 'bad is no model', data type 'wine', name 'bad'",
        happened=f"reason {rejected.reason!r}, data type {rejected.data_type!r}, name {name!r}",
        means="the dead letter, the log and the counters of that data type do not say what happened to it",
    )


def test_an_older_model_is_tried_if_the_newest_cannot_serve(module: Any) -> None:
    feed = follow(module, published("oldest", "older", "bad"), PlayedLoading(faults=["bad"]), caught_up)
    expect(
        feed.told == ["reject 2", "accept older"],
        "The newest model in the topic cannot serve, and the one before it is not tried.",
        expected=["reject 2", "accept older"],
        happened=feed.told,
        means="after a restart the server has no model, although the topic has one that works",
    )


def test_other_work_goes_on_while_a_model_loads(module: Any) -> None:
    loading = PlayedLoading(held="slow")

    async def then(feed: PlayedFeed) -> None:
        await asyncio.to_thread(loading.begun.wait, LIMIT_S)
        loading.release.set()
        await feed.until_caught_up()

    follow(module, published("slow"), loading, then)
    expect(
        not loading.waited_in_vain,
        "Nothing else happens while a model loads.",
        expected="the event loop goes on: the model is loaded in a thread",
        happened="the event loop stood still until the model was loaded",
        means="scoring stops for seconds at each new model, and the group may give our partitions to others",
    )


def test_a_model_that_this_machine_cannot_load_yet_is_loaded_later(module: Any) -> None:
    feed = follow(module, published("good"), PlayedLoading(not_yet={"good": 2}), caught_up)
    expect(
        feed.told == ["accept good"],
        "A model that this machine could not load at first is not loaded later.",
        expected=["accept good"],
        happened=feed.told,
        means="a good model is refused because a disk was full for a minute",
    )


def test_a_model_keeps_the_id_of_the_topic_it_came_from(module: Any) -> None:
    topic, loading = published("slow"), PlayedLoading(held="slow")

    async def then(feed: PlayedFeed) -> None:
        await asyncio.to_thread(loading.begun.wait, LIMIT_S)
        topic.recreate()
        loading.release.set()
        await feed.until_told("accept slow")

    feed = follow(module, topic, loading, then)
    expect(
        feed.arrived[0].topic_id == TOPIC_ID,
        "A model has the id of a topic that it did not come from.",
        expected=f"{TOPIC_ID!r}, the topic that was there when the record was read",
        happened=feed.arrived[0].topic_id,
        means="an old model counts as the newest of the new topic, and hides the models in there",
    )


def test_a_model_of_a_deleted_topic_is_left_alone(module: Any) -> None:
    topic, loading = published("older", "never"), PlayedLoading(not_yet={"never": ALWAYS})

    async def then(feed: PlayedFeed) -> None:
        await asyncio.to_thread(loading.begun.wait, LIMIT_S)
        feed.feed.topic_recreated()
        topic.recreate()
        topic.publish(descriptor("new"))
        await feed.until_told("accept new")

    feed = follow(module, topic, loading, then)
    expect(
        feed.told == ["accept new"],
        "The topic was deleted while a model waited to be loaded, and its models are not left alone.",
        expected=["accept new"],
        happened=feed.told,
        means="a good model is refused, or one of a topic that is gone is activated once more",
    )
