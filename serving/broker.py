"""The broker as a server sees it: there at the start with its topics, lost, and back."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from serving.errors import BrokerNotFound, ClusterChanged, ModelsPartitioned, PartitionsDiffer, TopicMissing
from serving.kafka_clients import RETRY_S, closed
from serving.kafka_login import check_login
from serving.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PROBE_S = 1.0
PROBE_TIMEOUT_S = 5.0


class Broker:
    """Waits for Kafka and its topics, then watches it; one line when it is lost, one when it is back."""

    def __init__(self, settings: Settings, on_change: Callable[[bool], None]) -> None:
        """``on_change`` is told at each change whether the broker answers."""
        self._settings, self._on_change = settings, on_change
        self.cluster_id = ""
        """Known once ``wait_for_topics`` has returned; a broker whose data was wiped comes back as another cluster."""
        self.data_partitions = 0
        """Likewise."""
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

    async def watch(self) -> None:
        """Until cancelled: ask for the cluster's metadata each second, and say when the answer changes.

        Raises:
            ClusterChanged: the broker came back as another cluster.
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
            await asyncio.sleep(PROBE_S)

    async def close(self) -> None:
        """Close the connection."""
        await closed(self._admin.close())

    async def _missing(self) -> BrokerNotFound | TopicMissing | None:
        topics = self._settings.topics
        bootstrap_servers = self._settings.bootstrap_servers
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._admin.start()
                found = await self._admin.describe_topics(list(topics.layout(1)))
                self.cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError, TimeoutError):
            await check_login(bootstrap_servers, self._settings.security)
            return BrokerNotFound(bootstrap_servers)
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in found if not topic["error_code"]}
        for name in topics.layout(1):
            if name not in partitions:
                return TopicMissing(name, bootstrap_servers)
        if partitions[topics.scores] < partitions[topics.data]:
            raise PartitionsDiffer(topics.data, partitions[topics.data], topics.scores, partitions[topics.scores])
        if partitions[topics.models] != 1:
            raise ModelsPartitioned(topics.models, partitions[topics.models])
        self.data_partitions = partitions[topics.data]
        return None

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError, TimeoutError):
            return False
        if cluster_id != self.cluster_id:
            raise ClusterChanged(self._settings.bootstrap_servers)
        return True
