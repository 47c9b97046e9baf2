"""Which topic a name stands for: one that is deleted and created again has another id, and its offsets begin at 0."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from serving.settings.server import Settings

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is now."""

    topic_id: str
    partitions: int


class TopicIds:
    """Asks the broker for topic ids (KIP-516), with librdkafka: aiokafka's protocol does not have them."""

    def __init__(self, settings: Settings) -> None:
        """Connects at the first question."""
        self._settings = settings
        self._admin: Any = None

    async def find(self, topics: Collection[str]) -> Mapping[str, FoundTopic] | None:
        """Those of these topics that exist now, by name; None: the broker did not answer in time.

        librdkafka asks the one broker that it once took for the controller, also when that has died: after a question
        without an answer the next one is asked by a new client.
        """
        if self._admin is None:
            configuration: dict[str, Any] = {
                "bootstrap.servers": self._settings.bootstrap_servers,
                **self._settings.security.for_librdkafka(),
                "log_level": 0,
                "error_cb": lambda _: None,  # an outage is logged once, by ``Broker``
            }
            self._admin = AdminClient(configuration)
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_S)
        answers = await asyncio.gather(*map(asyncio.wrap_future, asked.values()), return_exceptions=True)
        found: dict[str, FoundTopic] = {}
        for topic, answer in zip(asked, answers, strict=True):
            if isinstance(answer, KafkaException):
                if answer.args[0].code() < 0:  # librdkafka's own: nobody answered
                    self._admin = None
                    return None
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[topic] = FoundTopic(str(answer.topic_id), len(answer.partitions))
        return found
