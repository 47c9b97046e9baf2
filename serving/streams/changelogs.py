"""The changelog of a table: a compacted topic, created where it is missing and checked where it exists.

faust would create one too, but takes whatever exists: a changelog that deletes after a week, or one whose partitions
are not those of the data, which only fails at the first write.
"""

import asyncio
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

from serving.errors import BrokerNotFound
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import COMPACTED
from serving.streams.errors import ChangelogForgets, ChangelogPartitionsDiffer, ChangelogRefused

TIMEOUT_S = 10.0
POLL_S = 0.02
BROKERS_CHOICE = -1  # the cluster's own default.replication.factor; aiokafka's admin client cannot ask for it


async def ensure_changelog(
    bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity = PLAINTEXT
) -> None:
    """Create the changelog topic if it is missing; on return it is there, as it should be, and has leaders.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
        name: of the topic; ``Table.changelog_topic_name`` says what faust expects.
        partitions: as many as the data topic has, as a table's entries go to their record's partition number.
        security: how the brokers let us in.
    Raises:
        BrokerNotFound: no broker answers.
        ChangelogRefused: the broker will not create or describe it.
        ChangelogPartitionsDiffer: it exists with another number of partitions.
        ChangelogForgets: it exists and is not compacted, or deletes as well.
    """
    await asyncio.to_thread(_ensure, bootstrap_servers, name, partitions, security)


def _ensure(bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, **security.for_librdkafka(), "log_level": 0})
    if _metadata(admin, bootstrap_servers, name) is None:
        new = NewTopic(name, partitions, BROKERS_CHOICE, config=COMPACTED)
        _answer(name, admin.create_topics([new], request_timeout=TIMEOUT_S)[name])
    # What was just created is checked as well: another instance may have been faster, with other settings.
    found = _when_it_has_leaders(admin, bootstrap_servers, name)
    if len(found.partitions) != partitions:
        raise ChangelogPartitionsDiffer(bootstrap_servers, name, len(found.partitions), partitions)
    resource = ConfigResource(ResourceType.TOPIC, name)
    settings = _answer(name, admin.describe_configs([resource], request_timeout=TIMEOUT_S)[resource])
    policy = str(settings["cleanup.policy"].value)
    if policy != "compact":
        raise ChangelogForgets(bootstrap_servers, name, policy)


def _metadata(admin: AdminClient, bootstrap_servers: str, name: str) -> TopicMetadata | None:
    try:
        # All topics: asked for one by name, a broker may create it with its own defaults.
        return admin.list_topics(timeout=TIMEOUT_S).topics.get(name)
    except KafkaException:
        raise BrokerNotFound(bootstrap_servers) from None


def _when_it_has_leaders(admin: AdminClient, bootstrap_servers: str, name: str) -> TopicMetadata:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = _metadata(admin, bootstrap_servers, name)
        if found is not None and found.partitions and all(it.leader >= 0 for it in found.partitions.values()):
            return found
        time.sleep(POLL_S)
    raise ChangelogRefused(name, f"it had no leader after {TIMEOUT_S:.0f} s")


def _answer(name: str, future: Future[Any]) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        cause: KafkaError = error.args[0]
        if cause.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another instance was faster
            return None
        raise ChangelogRefused(name, cause.str()) from None
