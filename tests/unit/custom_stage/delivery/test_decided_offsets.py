"""Where an exactly-once server goes on in partitions that another instance had; both clients are played."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException

from custom_stage.delivery import decided_offsets
from custom_stage.delivery.decided_offsets import DecidedOffsets
from custom_stage.settings import StageSettings

FIRST, SECOND = TopicPartition("models_data", 0), TopicPartition("models_data", 1)
TOPIC_ID = "this topic"


def committed(offset: int, metadata: str | None = TOPIC_ID, error: Any = None) -> SimpleNamespace:
    return SimpleNamespace(offset=offset, metadata=metadata, error=error)


class Librdkafka:
    """Answers with what is committed, by partition number; before that, what ``asked`` does happens."""

    def __init__(self, answers: dict[int, SimpleNamespace] | Exception, asked: Callable[[], None]) -> None:
        self._answers = answers
        self._asked = asked

    def committed(self, partitions: Sequence[Any], _timeout_s: float) -> list[SimpleNamespace]:
        self._asked()
        if isinstance(self._answers, Exception):
            raise self._answers
        return [
            SimpleNamespace(topic=each.topic, partition=each.partition, **vars(self._answers[each.partition]))
            for each in partitions
        ]

    def close(self) -> None: ...


class AiokafkaConsumer:
    def __init__(self) -> None:
        self.at: dict[TopicPartition, int | str] = {}
        self.assigned = {FIRST, SECOND}

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self.at |= dict.fromkeys(partitions, "beginning")


def reached(
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[int, SimpleNamespace] | Exception,
    meanwhile: Callable[[DecidedOffsets, AiokafkaConsumer], None] = lambda *_: None,
) -> tuple[dict[TopicPartition, int | str], bool]:
    """Where the consumer stands after both partitions were assigned, and whether their offsets may still change."""
    offsets = DecidedOffsets(StageSettings.read("a server", []), "group")
    consumer = AiokafkaConsumer()
    asked = Librdkafka(answers, lambda: meanwhile(offsets, consumer))
    monkeypatch.setattr(decided_offsets, "Consumer", lambda _configuration: asked)

    async def reach() -> None:
        offsets.await_for([FIRST, SECOND])
        assert offsets.awaited
        await offsets.reach(consumer, TOPIC_ID)
        await offsets.close()

    asyncio.run(reach())
    return consumer.at, offsets.awaited


def test_it_goes_on_from_what_is_decided_and_from_the_beginning_where_nothing_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reached(monkeypatch, {0: committed(7), 1: committed(OFFSET_INVALID, None)}) == (
        {FIRST: 7, SECOND: "beginning"},
        False,
    )


def test_an_offset_of_the_topic_that_had_this_name_before_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    at, awaited = reached(monkeypatch, {0: committed(7, "the topic before"), 1: committed(9, "")})
    assert (at, awaited) == ({FIRST: "beginning", SECOND: 9}, False)


@pytest.mark.parametrize(
    "undecided",
    [
        KafkaException(KafkaError(KafkaError._TIMED_OUT)),
        {0: committed(7), 1: committed(9, error=KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT))},
    ],
    ids=["no answer", "one partition"],
)
def test_while_a_transaction_is_open_nothing_is_read_from_any_partition(
    monkeypatch: pytest.MonkeyPatch, undecided: Any
) -> None:
    assert reached(monkeypatch, undecided) == ({}, True)


def test_an_answer_for_an_assignment_that_has_changed_meanwhile_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def assigned_again(offsets: DecidedOffsets, _consumer: AiokafkaConsumer) -> None:
        offsets.await_for([FIRST])

    def about_to_be_told(_offsets: DecidedOffsets, consumer: AiokafkaConsumer) -> None:
        consumer.assigned = {FIRST}

    for meanwhile in (assigned_again, about_to_be_told):
        assert reached(monkeypatch, {0: committed(7), 1: committed(9)}, meanwhile) == ({}, True)
