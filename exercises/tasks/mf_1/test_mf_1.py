"""Grades mf-1: where a server begins to read the models."""

import asyncio
from collections.abc import Sequence

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.models import TOPIC_ID, ModelRecord, PlayedConsumer, PlayedFeed, PlayedTopic
from serving.engine import FeedPosition, ModelStart

FIRST, END = 3, 7
SAME_ID = "".join(list(TOPIC_ID))  # equal, and another object: as it comes from a file


def read(answer: Answer, start: ModelStart) -> tuple[PlayedConsumer, Sequence[int]]:
    """The consumer, and what it fetched until the feed had caught up with a topic that has the offsets 3 to 6."""

    async def follow() -> tuple[PlayedConsumer, Sequence[int]]:
        topic = PlayedTopic(FIRST, [ModelRecord(offset, b"no model") for offset in range(FIRST, END)])
        async with PlayedFeed(answer.load(), topic, start) as feed:
            fetched = await feed.until_caught_up()
        return feed.consumer, fetched

    return asyncio.run(follow())


def expect_read(answer: Answer, start: ModelStart, first: int, sentence: str, means: str) -> None:
    """The feed catches up from this offset on."""
    _, fetched = read(answer, start)
    expected = list(range(first, END))
    expect(
        list(fetched) == expected,
        sentence,
        expected=f"of the offsets {FIRST} to {END - 1} in the topic it reads {expected or 'none'}",
        happened=f"it has read {list(fetched) or 'none'} when it says that it has caught up",
        means=means,
    )


def test_the_partition_is_read_outside_any_group(answer: Answer) -> None:
    consumer, _ = read(answer, "beginning")
    expect(
        not consumer.subscribed and consumer.settings.get("group_id") is None,
        "The consumer subscribes, as the members of a group do; it should be assigned its partition.",
        expected="assign, and no group id",
        happened="subscribe" if consumer.subscribed else f"group id {consumer.settings.get('group_id')!r}",
        means="in a group one instance gets the partition and its models; the others never learn any",
    )


def test_nothing_is_committed(answer: Answer) -> None:
    consumer, _ = read(answer, "beginning")
    expect(
        not consumer.commits and not consumer.settings.get("enable_auto_commit", True),
        "An offset of the models topic is committed.",
        expected="no commit: where this instance was is kept in its own state",
        happened=f"{consumer.commits} commits",
        means="a commit belongs to a group, not to an instance; aiokafka refuses one without a group",
    )


def test_from_the_beginning_every_model_is_read(answer: Answer) -> None:
    expect_read(
        answer,
        "beginning",
        FIRST,
        "A start at the beginning does not begin with the first model of the topic.",
        "after a restart the server scores with no model, or with an old one",
    )


def test_from_the_end_no_old_model_is_read(answer: Answer) -> None:
    expect_read(
        answer,
        "end",
        END,
        "A start at the end reads a model that was in the topic before.",
        "streams_inmemory promises to skip until the next model, and would score with one of the past",
    )


def test_a_position_in_this_topic_is_where_reading_goes_on(answer: Answer) -> None:
    for offset in (FIRST, 5, END):
        expect_read(
            answer,
            FeedPosition(SAME_ID, offset),
            offset,
            "A position in this topic is not where reading goes on.",
            "a server that was restored from its snapshot loads models again, or misses those since then",
        )


def test_a_position_in_another_topic_says_nothing(answer: Answer) -> None:
    for topic_id in ("models-topic-4", "models-topic-6"):
        expect_read(
            answer,
            FeedPosition(topic_id, 5),
            FIRST,
            "A position in a topic that was deleted counts for the topic of the same name.",
            "the models before that offset were never read, and stay unknown",
        )


def test_a_position_that_has_fallen_out_of_the_topic_says_nothing(answer: Answer) -> None:
    expect_read(
        answer,
        FeedPosition(SAME_ID, END + 1),
        FIRST,
        "A position behind the end of the topic counts, and nothing is read.",
        "the feed says that it has caught up, and the server scores without a model, or skips",
    )
    expect_read(
        answer,
        FeedPosition(SAME_ID, FIRST - 1),
        FIRST,
        "A position before the first offset of the topic does not begin with the first model.",
        "the models between are gone; the ones that are left must be read",
    )


def test_only_offsets_of_the_topic_are_sought(answer: Answer) -> None:
    starts: Sequence[ModelStart] = ("beginning", "end", FeedPosition(TOPIC_ID, 1), FeedPosition("gone", 99))
    for start in starts:
        sought = read(answer, start)[0].sought
        expect(
            all(FIRST <= offset <= END for offset in sought),
            "The feed seeks to an offset that is not in the topic.",
            expected=f"an offset from {FIRST} to {END}",
            happened=sought,
            means="the broker answers out of range, and a setting decides: with latest, every model is missed",
        )
