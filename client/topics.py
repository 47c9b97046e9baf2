"""The four topics on a broker: created where they are missing, checked where they exist."""

import time
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from client.errors import DataPartitionsDiffer, NotCompacted, TopicRefused
from serving.errors import BrokerNotFound, ModelsPartitioned, PartitionsDiffer
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import Topics

TIMEOUT_S = 10.0
BROKERS_CHOICE = -1  # the cluster's own default.replication.factor: 1 on the embedded broker, often 3 elsewhere


def create_topics(
    bootstrap_servers: str, topics: Topics, data_partitions: int, security: KafkaSecurity = PLAINTEXT
) -> list[str]:
    """Create what is missing of the four topics and wait until each has a leader.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
        topics: their names.
        data_partitions: how many partitions records and scores are to have.
        security: how the brokers let us in.
    Returns:
        the names of those that were created.
    Raises:
        BrokerNotFound: no broker answers.
        TopicRefused: the broker will not create or describe one.
        DataPartitionsDiffer, PartitionsDiffer, ModelsPartitioned: one exists with another number of partitions.
        NotCompacted: the model topic exists and forgets.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, **security.for_librdkafka(), "log_level": 0})
    layout = topics.layout(data_partitions)
    existing = {name: len(it.partitions) for name, it in _metadata(admin, bootstrap_servers).items()}
    _check_partitions(existing, topics, data_partitions)
    missing = [name for name in layout if name not in existing]
    if missing:
        new = [NewTopic(name, layout[name][0], BROKERS_CHOICE, config=layout[name][1]) for name in missing]
        for name, created in admin.create_topics(new, request_timeout=TIMEOUT_S).items():
            _result(name, created)
        _wait_for(missing, admin, bootstrap_servers)
    if topics.models in existing:
        _check_compacted(admin, topics.models)
    return missing


def _metadata(admin: AdminClient, bootstrap_servers: str) -> dict[str, TopicMetadata]:
    try:
        topics: dict[str, TopicMetadata] = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException:
        raise BrokerNotFound(bootstrap_servers) from None
    return topics


def _check_partitions(existing: dict[str, int], topics: Topics, data_partitions: int) -> None:
    if existing.get(topics.data, data_partitions) != data_partitions:
        raise DataPartitionsDiffer(topics.data, existing[topics.data], data_partitions)
    if existing.get(topics.scores, data_partitions) != data_partitions:
        raise PartitionsDiffer(topics.data, data_partitions, topics.scores, existing[topics.scores])
    if existing.get(topics.models, 1) != 1:
        raise ModelsPartitioned(topics.models, existing[topics.models])


def _wait_for(names: list[str], admin: AdminClient, bootstrap_servers: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while waiting := [name for name in names if not _has_leaders(_metadata(admin, bootstrap_servers).get(name))]:
        if time.monotonic() > deadline:
            raise TopicRefused(waiting[0], f"it had no leader after {TIMEOUT_S:.0f} s")
        time.sleep(0.02)


def _has_leaders(topic: TopicMetadata | None) -> bool:
    return topic is not None and topic.partitions != {} and all(it.leader >= 0 for it in topic.partitions.values())


def _check_compacted(admin: AdminClient, name: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, name)
    settings = _result(name, admin.describe_configs([resource], request_timeout=TIMEOUT_S)[resource])
    if "compact" not in str(settings["cleanup.policy"].value):
        raise NotCompacted(name)


def _result(name: str, future: Future[Any]) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        cause: KafkaError = error.args[0]
        if cause.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another provider was faster
            return None
        raise TopicRefused(name, cause.str()) from None
