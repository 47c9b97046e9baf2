"""Whether a broker answers: reported once when it is lost, and once when it is back."""

import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from serving.errors import ClusterChanged

PROBE_EVERY_S = 1.0
PROBE_S = 0.5
RECONNECT_MS = 1000
"""The longest pause between two attempts; librdkafka's own is ten seconds."""


class Connection:
    """Watches one Kafka client, which retries without limit."""

    def __init__(self, bootstrap_servers: str, log: Callable[[str], None]) -> None:
        """``log`` gets each message, one line."""
        self._bootstrap_servers = bootstrap_servers
        self._log = log
        self._cluster: str | None = None
        self._in_doubt = False
        self._probed_s = 0.0
        self.lost = False
        """Whether the last probe found no broker."""

    def on_error(self, error: KafkaError) -> None:
        """To be called from the client's ``error_cb``; such an error may be old news when it arrives."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._in_doubt = True

    def probe(self, client: Producer | Consumer) -> None:
        """Ask a broker and report a change; returns at once while the connection is not in doubt.

        Raises:
            ClusterChanged: a broker answers again, and belongs to another cluster.
        """
        if self._cluster is not None and not self._in_doubt:
            return
        if time.monotonic() - self._probed_s < PROBE_EVERY_S:
            return
        self._probed_s = time.monotonic()
        try:
            cluster = client.list_topics(timeout=PROBE_S).cluster_id
        except KafkaException:
            if self._in_doubt and not self.lost:
                self._log("no broker answers; retrying until one does")
                self.lost = True
            return
        if self._cluster not in (None, cluster):
            raise ClusterChanged(self._bootstrap_servers)
        if self.lost:
            self._log("the broker answers again; continuing")
        self._cluster = cluster
        self._in_doubt = False
        self.lost = False
