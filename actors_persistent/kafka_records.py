"""A consumer's settings, and what it brings: the one place that knows confluent-kafka's names for things."""

from typing import Any

import structlog
from confluent_kafka import KafkaError, Message

from serving.errors import BrokerRefused
from serving.scoring.records import Record
from serving.settings.server import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

READ_AHEAD_RECORDS = 30_000
"""Of each partition wait in librdkafka's memory, and those of one more fetch. By default it is 100,000; 150,000 wines
in three partitions took 66 MiB."""
REFUSALS = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)


def configuration(settings: Settings, group: str) -> dict[str, Any]:
    """For a member of the group that says itself what to commit."""
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        **settings.security.for_librdkafka(),
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",  # what an aborted transaction wrote was never said
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": settings.session_timeout_ms // 5,
        "reconnect.backoff.max.ms": 1000,
        "queued.min.messages": READ_AHEAD_RECORDS,
        "fetch.queue.backoff.ms": 10,  # by default it looks only once a second whether there is room to fetch more
        "log_level": 0,  # an outage is said once, by the kernel
        "error_cb": lambda _: None,
    }


def record_in(message: Message, topic: str) -> Record | None:
    """The record that a message is; None if it is an error that the library deals with.

    Raises:
        BrokerRefused: it is an error that waiting will not change.
    """
    error = message.error()
    if error is None:
        # The annotations allow None everywhere, for messages that are errors.
        return Record(
            message.topic(),  # type: ignore[arg-type]
            message.partition(),  # type: ignore[arg-type]
            message.offset(),  # type: ignore[arg-type]
            message.timestamp()[1],
            message.key(),
            message.value(),
        )
    if error.fatal() or error.code() in REFUSALS:
        raise BrokerRefused(f"reading {topic}", error.str())
    log.debug("fetch_failed", reason=error.str())
    return None
