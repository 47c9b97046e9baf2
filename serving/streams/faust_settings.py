"""The settings with which a faust application keeps what this project promises."""

import logging
from typing import Any

import faust

from serving.kernel import Kernel
from serving.settings.security import KafkaSecurity
from serving.settings.topics import MAX_MESSAGE_BYTES
from serving.streams import transport
from serving.streams.table import AcknowledgedTable, GenerationTableManager

REQUEST_OVERHEAD_BYTES = 64 * 1024

ALWAYS: dict[str, Any] = {
    "web_enabled": False,
    "processing_guarantee": "at_least_once",
    "topic_allow_declare": False,  # what we need has been made and checked before
    "topic_disable_leader": True,
    "key_serializer": "raw",
    "value_serializer": "raw",
    "consumer_auto_offset_reset": "earliest",
    "consumer_max_fetch_size": MAX_MESSAGE_BYTES,
    "producer_acks": -1,  # of all replicas
    "producer_max_request_size": MAX_MESSAGE_BYTES + REQUEST_OVERHEAD_BYTES,
    "stream_buffer_maxsize": 1_000_000,  # never full: the transport bounds it
    "stream_wait_empty": False,  # we wait for the batch in flight ourselves, and no longer than we say
    "stream_recovery_delay": 0,
    # Seconds; the broker is never told. After that long without a fetch aiokafka leaves the group, and joins it again
    # at the next one: but a member without partitions fetches nothing, so it would not be there when it is needed.
    "broker_max_poll_interval": 1e9,
    "table_standby_replicas": 0,
    "Table": AcknowledgedTable,  # app.Table makes these
    "TableManager": GenerationTableManager,
}
"""Settings of ``faust.App`` that do not depend on anything."""


def lossless(kernel: Kernel, url: str) -> dict[str, Any]:
    """Settings for ``faust.App`` with which it keeps what this project promises; asked once, from ``Engine.start`` on.

    Args:
        url: what the group's other instances know this one by.
    """
    transport.register()
    # faust and the client below it say every retry; Broker.watch says once that the broker is away.
    for name in ("faust", "mode"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = kernel.settings
    directory = kernel.state_directory()
    directory.mkdir(parents=True, exist_ok=True)
    return dict(
        id=kernel.group,
        broker=[f"{transport.SCHEME}://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
        broker_credentials=_credentials(settings.security),
        canonical_url=url,
        datadir=directory / "streams",
        topic_partitions=kernel.broker.data_partitions,
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.session_timeout_ms / 5000,
        broker_rebalance_timeout=10,
        broker_commit_interval=max(settings.commit_interval_ms, 1) / 1000,
        broker_max_poll_records=settings.max_batch,
        **ALWAYS,
    )


def _credentials(security: KafkaSecurity) -> Any:
    """What faust passes on to its aiokafka clients; None where the broker wants none."""
    context = None if security.tls is None else security.tls.context()
    if (login := security.login) is None:
        return context  # faust makes SSLCredentials of one
    password = login.password.get_secret_value()
    return faust.SASLCredentials(
        username=login.username, password=password, mechanism=login.mechanism, ssl_context=context
    )
