"""Topics on a cluster whose brokers hear of a new topic one after the other; its admin client is played."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from serving.kafka import topic_creation
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT

NAME = "a changelog"


class Admin:
    """Each question goes to another broker; that at ``knows`` has the new topic, with its leaders."""

    def __init__(self, *knows: bool) -> None:
        self.knows = list(knows)

    def list_topics(self, timeout: float) -> Any:
        assert timeout > 0
        partitions = {number: SimpleNamespace(leader=1) for number in range(3)}
        return SimpleNamespace(topics={NAME: SimpleNamespace(partitions=partitions)} if self.knows.pop(0) else {})

    def create_topics(self, new: list[Any], request_timeout: float) -> dict[str, Future[None]]:
        assert request_timeout > 0
        done: Future[None] = Future()
        done.set_result(None)
        return {each.topic: done for each in new}

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        assert request_timeout > 0
        answer: Future[Any] = Future()
        if self.knows.pop(0):
            answer.set_result({"cleanup.policy": SimpleNamespace(value="compact")})
        else:
            answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        return dict.fromkeys(resources, answer)


def test_a_broker_that_does_not_know_the_new_topic_yet_is_not_asked_for_its_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topic_creation, "AdminClient", lambda _: Admin(False, False, True))
    creation = TopicCreation("three:9092", PLAINTEXT, "--group")
    assert creation.create_missing({NAME: (3, {})}) == ([NAME], {NAME: 3})


def test_a_broker_that_does_not_know_the_new_topic_yet_is_asked_again_for_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = Admin(False, False, True)
    monkeypatch.setattr(topic_creation, "AdminClient", lambda _: admin)
    TopicCreation("three:9092", PLAINTEXT, "--group").check_compacted(NAME)
    assert admin.knows == []
