"""The broker as a server sees it: there at the start with its topics, lost, and back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from serving.errors import (
    BrokerNotFound,
    ClusterChanged,
    ModelsPartitioned,
    PartitionsChanged,
    PartitionsDiffer,
    TopicMissing,
    TopicRefused,
    TopicTakesTooLittle,
)
from serving.kafka.clients import RETRY_S, close_quietly
from serving.kafka.login import check_login
from serving.kafka.topic_ids import TopicIds
from serving.settings.server import Settings
from serving.settings.topics import DEFAULT_MAX_MESSAGE_BYTES, LEAST_MESSAGE_BYTES

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PROBE_S = 1.0
PROBE_TIMEOUT_S = 5.0


class Broker:
    """Waits for Kafka and its topics, then watches it; one line when it is lost, one when it is back."""

    def __init__(self, settings: Settings, on_change: Callable[[bool], None]) -> None:
        """``on_change`` is told at each change whether the broker answers."""
        self._settings = settings
        self._on_change = on_change
        self.cluster_id = ""
        """Known once ``wait_for_topics`` has returned; a broker whose data was wiped comes back as another cluster."""
        self.data_partitions = 0
        """Likewise."""
        self.max_message_bytes: dict[str, int] = {}
        """Likewise; by topic, what those take that this server writes to."""
        self.data_partitions_now = 0
        """As asked each second; a topic can be given more while it is read."""
        self.data_topic_id = self.models_topic_id = ""
        """Likewise; a topic that is deleted and created again has another id from then on."""
        self._missing_topics: frozenset[str] = frozenset()  # as last logged
        self._topic_ids = TopicIds(settings)
        self._admin: Any = AIOKafkaAdminClient(
            bootstrap_servers=settings.bootstrap_servers, **settings.security.for_aiokafka()
        )

    async def wait_for_topics(self) -> None:
        """Return when the broker answers and the four topics are there.

        Raises:
            BrokerNotFound: no broker answered for ``Settings.broker_timeout_s``.
            LoginRefused, TlsRefused: a broker answered and does not let us in.
            TopicMissing: the broker answers, but a topic did not appear in that time.
            PartitionsDiffer: scores could not go to their records' partition numbers.
            ModelsPartitioned: which model is the newest would be undefined.
            TopicTakesTooLittle: not even an ordinary score, or dead letter, could be written.
        """
        deadline_s = asyncio.get_running_loop().time() + self._settings.broker_timeout_s
        said = ""
        while True:
            waiting_for = await self._missing()
            if waiting_for is None:
                return
            if asyncio.get_running_loop().time() >= deadline_s:
                raise waiting_for
            if said != str(waiting_for):
                said = str(waiting_for)
                log.info("waiting", up_to_s=self._settings.broker_timeout_s, reason=said)
            await asyncio.sleep(RETRY_S)

    async def watch(self, data_recreated: Callable[[], Awaitable[None]], models_recreated: Callable[[], None]) -> None:
        """Until cancelled: ask for the cluster and its topics each second, and log when an answer changes.

        Args:
            data_recreated: called when the data topic was deleted and created again; its new id is known by then.
            models_recreated: likewise, for the models topic.
        Raises:
            ClusterChanged: the broker came back as another cluster.
            PartitionsChanged: the data topic was created again with another number of partitions.
        """
        connected = True
        while True:
            answers = await self._answers()
            if answers != connected:
                connected = answers
                self._on_change(answers)
                if answers:
                    log.info("broker_back", bootstrap_servers=self._settings.bootstrap_servers)
                else:
                    log.warning("broker_lost", bootstrap_servers=self._settings.bootstrap_servers)
            if answers:
                await self._watch_topics(data_recreated, models_recreated)
            await asyncio.sleep(PROBE_S)

    async def find_data_topic_id(self) -> str | None:
        """The id that the data topic has at this moment; None: there is no such topic now, or nobody answers."""
        found = await self._topic_ids.find([self._settings.topics.data])
        return found[self._settings.topics.data].topic_id if found else None

    async def members(self, group: str) -> int | None:
        """How many members a consumer group has now; None: the broker did not answer."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                (answer,) = await self._admin.describe_consumer_groups([group])
        except (KafkaError, OSError, TimeoutError):
            return None
        ((error_code, _, _, _, _, members, *_),) = answer.groups
        return None if error_code else len(members)

    async def close(self) -> None:
        """Close the connection."""
        await close_quietly(self._admin.close())

    async def _missing(self) -> BrokerNotFound | TopicMissing | None:  # noqa: C901 - one check after the other
        topics = self._settings.topics
        bootstrap_servers = self._settings.bootstrap_servers
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._admin.start()
                found = await self._admin.describe_topics(list(topics.layout(1)))
                self.cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
                self.max_message_bytes = await self._find_max_message_bytes()
        except (KafkaError, OSError, TimeoutError):
            await check_login(bootstrap_servers, self._settings.security)
            return BrokerNotFound(bootstrap_servers)
        for topic in found:
            if topic["error_code"] == TopicAuthorizationFailedError.errno:
                raise TopicRefused(topic["topic"], "this user has no right to it", "--topic-prefix")
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in found if not topic["error_code"]}
        for name in topics.layout(1):
            if name not in partitions:
                return TopicMissing(name, bootstrap_servers)
        if partitions[topics.scores] < partitions[topics.data]:
            raise PartitionsDiffer(topics.data, partitions[topics.data], topics.scores, partitions[topics.scores])
        if partitions[topics.models] != 1:
            raise ModelsPartitioned(topics.models, partitions[topics.models])
        for name, max_bytes in self.max_message_bytes.items():
            if max_bytes < LEAST_MESSAGE_BYTES:
                raise TopicTakesTooLittle(name, max_bytes, LEAST_MESSAGE_BYTES)
        identified = await self._topic_ids.find([topics.data, topics.models])
        if identified is None:
            return BrokerNotFound(bootstrap_servers)
        for name in (topics.data, topics.models):
            if name not in identified:  # deleted since the answer before
                return TopicMissing(name, bootstrap_servers)
        self.data_partitions = self.data_partitions_now = identified[topics.data].partitions
        self.data_topic_id = identified[topics.data].topic_id
        self.models_topic_id = identified[topics.models].topic_id
        return None

    async def _find_max_message_bytes(self) -> dict[str, int]:
        """Of the topics that this server writes to; Kafka's default where we may not ask."""
        topics = self._settings.topics
        name = "max.message.bytes"
        found = dict.fromkeys((topics.scores, topics.dead_letters), DEFAULT_MAX_MESSAGE_BYTES)
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic, {name: ""}) for topic in found]
        for answer in await self._admin.describe_configs(asked):
            for _error_code, _reason, _type, topic, entries in answer.resources:
                for _name, value, *_ in entries:
                    found[topic] = int(value)
        return found

    async def _watch_topics(
        self, data_recreated: Callable[[], Awaitable[None]], models_recreated: Callable[[], None]
    ) -> None:
        topics = self._settings.topics
        watched = topics.layout(1).keys()
        found = await self._topic_ids.find(watched)
        if found is None:
            return
        missing = frozenset(watched - found.keys())
        for topic in sorted(missing - self._missing_topics):
            log.warning("topic_deleted", topic=topic)
        self._missing_topics = missing
        models, data = found.get(topics.models), found.get(topics.data)
        if data is not None:
            self.data_partitions_now = data.partitions
        if models is not None and models.topic_id != self.models_topic_id:
            log.warning("topic_recreated", topic=topics.models)
            self.models_topic_id = models.topic_id
            models_recreated()
        if data is not None and data.topic_id != self.data_topic_id:
            if data.partitions != self.data_partitions:
                raise PartitionsChanged(topics.data, self.data_partitions, data.partitions)
            log.warning("topic_recreated", topic=topics.data)
            self.data_topic_id = data.topic_id
            await data_recreated()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError, TimeoutError):
            return False
        if cluster_id != self.cluster_id:
            raise ClusterChanged(self._settings.bootstrap_servers)
        return True
