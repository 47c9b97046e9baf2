from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from client.errors import DataPartitionsDiffer
from client.topics import create_topics
from serving.errors import BrokerNotFound, ModelsPartitioned, NotCompacted, PartitionsDiffer, TopicRefused
from serving.settings.topics import Topics


def admin(broker: EmbeddedKafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})


def create(broker: EmbeddedKafka, name: str, partitions: int, **config: str) -> None:
    client = admin(broker)  # its futures live no longer than it does
    (future,) = client.create_topics([NewTopic(name, partitions, config=config)]).values()
    future.result(10)


def setting(broker: EmbeddedKafka, topic: str, name: str) -> str:
    client = admin(broker)
    (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    settings: Any = future.result(10)
    return str(settings[name].value)


def test_the_four_topics_are_as_the_design_says(broker: EmbeddedKafka, topics: Topics) -> None:
    found = admin(broker).list_topics(timeout=10).topics
    partitions = {name: len(found[name].partitions) for name in (topics.data, topics.models, topics.scores)}
    assert partitions == {topics.data: 3, topics.models: 1, topics.scores: 3}
    assert topics.dead_letters in found
    assert setting(broker, topics.models, "cleanup.policy") == "compact"
    assert setting(broker, topics.data, "cleanup.policy") == "delete"


def test_topics_that_exist_as_they_should_are_left_alone(broker: EmbeddedKafka, topics: Topics) -> None:
    assert create_topics(broker.bootstrap_servers, topics, 3) == []


def test_another_number_of_partitions_names_the_flag_that_fits(broker: EmbeddedKafka, topics: Topics) -> None:
    with pytest.raises(DataPartitionsDiffer, match="exists with 3 partitions, not 4: give --partitions 3"):
        create_topics(broker.bootstrap_servers, topics, 4)


def test_scores_need_as_many_partitions_as_records(broker: EmbeddedKafka) -> None:
    topics = Topics.prefixed("few-scores")
    create(broker, topics.scores, 2)
    with pytest.raises(PartitionsDiffer, match="has 2 partitions"):
        create_topics(broker.bootstrap_servers, topics, 3)


def test_a_model_topic_with_several_partitions_is_refused(broker: EmbeddedKafka) -> None:
    topics = Topics.prefixed("many-models")
    create(broker, topics.models, 2, **{"cleanup.policy": "compact"})
    with pytest.raises(ModelsPartitioned):
        create_topics(broker.bootstrap_servers, topics, 3)


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_a_model_topic_that_forgets_is_refused(broker: EmbeddedKafka, policy: str) -> None:
    topics = Topics.prefixed(f"forgetful-{policy.replace(',', '-')}")
    create(broker, topics.models, 1, **{"cleanup.policy": policy})
    with pytest.raises(NotCompacted, match="it would forget what it must keep: choose another --topic-prefix, or "):
        create_topics(broker.bootstrap_servers, topics, 3)


def test_a_name_that_no_topic_can_have_is_one_line(broker: EmbeddedKafka) -> None:
    with pytest.raises(TopicRefused, match="Topic name is invalid"):
        create_topics(broker.bootstrap_servers, Topics.prefixed("bad name"), 3)


def test_no_broker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.kafka.topic_creation.TIMEOUT_S", 0.3)
    with pytest.raises(BrokerNotFound, match=r"start one with: python -m client\.provider"):
        create_topics(f"127.0.0.1:{free_port()}", Topics.prefixed("models"), 3)
