"""Topics: created where they are missing, checked where they exist."""

import time
from collections.abc import Mapping
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

from serving.errors import BrokerNotFound, NotCompacted, TopicRefused
from serving.settings.security import KafkaSecurity
from serving.settings.topics import Layout

TIMEOUT_S = 10.0
POLL_S = 0.02
UNKNOWN = KafkaError.UNKNOWN_TOPIC_OR_PART
BROKERS_CHOICE = -1  # the cluster's own default.replication.factor: 1 on the embedded broker, often 3 elsewhere


class TopicCreation:
    """Creates topics on one cluster; every method blocks."""

    def __init__(self, bootstrap_servers: str, security: KafkaSecurity, flag: str) -> None:
        """Connect in the background; ``flag`` is the setting that chooses other topics, for the errors' remedies."""
        self._bootstrap_servers = bootstrap_servers
        self._flag = flag
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, **security.for_librdkafka(), "log_level": 0})

    def partitions(self) -> dict[str, int]:
        """How many partitions each topic of the cluster has.

        Raises:
            BrokerNotFound: no broker answers.
        """
        return _partitions(self._metadata())

    def create_missing(self, layout: Layout) -> tuple[list[str], dict[str, int]]:
        """Create what is missing, and wait until all of ``layout`` has leaders.

        Returns:
            the names of those that were created; and of each topic of the cluster the partitions, as the broker has
            them that knows all of ``layout``: another one may not know a new topic yet.
        Raises:
            BrokerNotFound: no broker answers.
            TopicRefused: the broker will not create one.
        """
        existing = self._metadata()
        missing = [name for name in layout if name not in existing]
        if missing:
            new = [NewTopic(name, layout[name][0], BROKERS_CHOICE, config=layout[name][1]) for name in missing]
            for name, created in self._admin.create_topics(new, request_timeout=TIMEOUT_S).items():
                self._answer(name, created)
        deadline = time.monotonic() + TIMEOUT_S
        known = self._metadata()
        while waiting := [name for name in layout if not _has_leaders(known.get(name))]:
            if time.monotonic() > deadline:
                raise TopicRefused(waiting[0], f"it had no leader after {TIMEOUT_S:.0f} s", self._flag)
            time.sleep(POLL_S)
            known = self._metadata()
        return missing, _partitions(known)

    def check_compacted(self, name: str) -> None:
        """See that the topic keeps the newest value of each key; one that was just created, too: another may be faster.

        Raises:
            TopicRefused: the broker will not describe it.
            NotCompacted: it deletes, or deletes as well.
        """
        settings = self._settings(name)
        if (policy := str(settings["cleanup.policy"].value)) != "compact":
            raise NotCompacted(self._bootstrap_servers, name, policy, self._flag)

    def _settings(self, name: str) -> Any:
        resource = ConfigResource(ResourceType.TOPIC, name)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._admin.describe_configs([resource], request_timeout=TIMEOUT_S)[resource]
            error = answer.exception()
            is_unknown = isinstance(error, KafkaException) and error.args[0].code() == UNKNOWN
            if not is_unknown or time.monotonic() > deadline:
                return self._answer(name, answer)
            time.sleep(POLL_S)  # a broker that has not heard of a new topic yet

    def _metadata(self) -> Mapping[str, TopicMetadata]:
        try:
            # All topics: asked for one by name, a broker may create it with its own defaults.
            topics: Mapping[str, TopicMetadata] = self._admin.list_topics(timeout=TIMEOUT_S).topics
        except KafkaException:
            raise BrokerNotFound(self._bootstrap_servers) from None
        return topics

    def _answer(self, name: str, future: Future[Any]) -> Any:
        try:
            return future.result()
        except KafkaException as error:
            cause: KafkaError = error.args[0]
            if cause.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                return None
            raise TopicRefused(name, cause.str(), self._flag) from None


def _has_leaders(topic: TopicMetadata | None) -> bool:
    return topic is not None and topic.partitions != {} and all(it.leader >= 0 for it in topic.partitions.values())


def _partitions(topics: Mapping[str, TopicMetadata]) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in topics.items()}
