"""Changelogs as the streams servers need them, on a real broker."""

import asyncio
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
from serving.errors import BrokerNotFound, NotCompacted, TopicRefused
from serving.settings.topics import COMPACTED
from serving.streams.errors import ChangelogPartitionsDiffer
from serving.streams.table import ensure_changelog


def admin(broker: EmbeddedKafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})


def create(broker: EmbeddedKafka, name: str, partitions: int, policy: str) -> None:
    client = admin(broker)  # its futures live no longer than it does
    (future,) = client.create_topics([NewTopic(name, partitions, config={"cleanup.policy": policy})]).values()
    future.result(10)


def ensure(broker: EmbeddedKafka, name: str, partitions: int) -> None:
    asyncio.run(ensure_changelog(broker.bootstrap_servers, name, partitions))


def test_a_missing_changelog_is_created_compacted_for_entries_as_large_as_models(broker: EmbeddedKafka) -> None:
    ensure(broker, "new-changelog", 3)
    client = admin(broker)
    topic = client.list_topics(timeout=10).topics["new-changelog"]
    assert [len(topic.partitions), {len(each.replicas) for each in topic.partitions.values()}] == [3, {1}]
    (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, "new-changelog")]).values()
    settings: Any = future.result(10)
    assert {name: settings[name].value for name in COMPACTED} == COMPACTED


def test_a_changelog_that_is_as_it_should_be_is_left_alone(broker: EmbeddedKafka) -> None:
    create(broker, "good-changelog", 2, "compact")
    ensure(broker, "good-changelog", 2)
    client = admin(broker)
    (future,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, "good-changelog")]).values()
    settings: Any = future.result(10)
    assert settings["segment.ms"].value != COMPACTED["segment.ms"]


def test_several_instances_may_create_it_at_once(broker: EmbeddedKafka) -> None:
    async def together() -> None:
        await asyncio.gather(*(ensure_changelog(broker.bootstrap_servers, "raced-changelog", 3) for _ in range(5)))

    asyncio.run(together())
    assert len(admin(broker).list_topics(timeout=10).topics["raced-changelog"].partitions) == 3


@pytest.mark.parametrize(
    ("found", "remedy"),
    [(2, r"--alter --topic parts-2-changelog --partitions 3$"), (4, r"another --group, or .*--delete --topic parts-4")],
)
def test_another_number_of_partitions_is_refused_with_the_command_that_helps(
    broker: EmbeddedKafka, found: int, remedy: str
) -> None:
    name = f"parts-{found}-changelog"
    create(broker, name, found, "compact")
    with pytest.raises(ChangelogPartitionsDiffer, match=rf"{name} has {found} partitions, and must have 3: .*{remedy}"):
        ensure(broker, name, 3)


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_a_changelog_that_forgets_is_refused_with_the_command_that_helps(broker: EmbeddedKafka, policy: str) -> None:
    name = f"forgets-{policy.replace(',', '-')}-changelog"
    create(broker, name, 3, policy)
    with pytest.raises(NotCompacted, match=rf"--alter --topic {name} --add-config cleanup.policy=compact"):
        ensure(broker, name, 3)


def test_a_name_that_no_topic_can_have_is_one_line(broker: EmbeddedKafka) -> None:
    with pytest.raises(TopicRefused, match="choose another --group") as refused:
        ensure(broker, "no such/name", 3)
    assert "\n" not in str(refused.value)


def test_no_broker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.kafka.topic_creation.TIMEOUT_S", 0.3)
    with pytest.raises(BrokerNotFound, match=r"start one with: python -m client\.provider"):
        asyncio.run(ensure_changelog(f"127.0.0.1:{free_port()}", "unreachable-changelog", 3))
