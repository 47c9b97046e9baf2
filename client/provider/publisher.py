"""Wines and models on their way to Kafka: in order, without duplicates, acknowledged by all replicas."""

import itertools
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from client.connection import RECONNECT_MS, Connection
from client.errors import PublishingFailed
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.models.digest import Headers, digest_headers
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import MAX_MESSAGE_BYTES, Topics

POLL_S = 0.1

PRODUCER = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",  # the Java clients' own: a key has one partition for all languages
    "compression.type": "none",  # wines are numbers: compressing costs more than it saves
    "message.max.bytes": MAX_MESSAGE_BYTES,
    "message.timeout.ms": 0,  # no limit; the default drops a message after five minutes
    "linger.ms": 0,  # a paced wine goes at once; at full speed batches form anyway, and it is no slower
    "batch.size": 512 * 1024,
    # A longer queue is no faster; what waits in it is old when it is scored.
    "queue.buffering.max.messages": 20_000,
    "delivery.report.only.error": True,
    "reconnect.backoff.max.ms": RECONNECT_MS,
    "log_level": 0,  # librdkafka's own lines would go to the terminal, one per attempt
}


class Publisher:
    """A producer that drops nothing in silence: each message that a broker refuses is reported and counted.

    While no broker answers it retries without limit, and accepts new messages until its queue is full.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topics: Topics,
        run: str,
        log: Callable[[str], None],
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        """Connect in the background.

        Args:
            bootstrap_servers: host:port of one or more brokers, separated by commas.
            topics: where to publish.
            run: makes the record ids of this process differ from those of every other, such as ``k3x9``.
            log: gets one line when something fails, and one when it works again.
            security: how to log in to the brokers.
        """
        self._topics = topics
        self._run = run
        self._log = log
        self.connection = Connection(bootstrap_servers, log)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                **security.for_librdkafka(),
                **PRODUCER,
                "on_delivery": self._on_failure,
                "error_cb": self._on_error,
            }
        )
        self._kinds_of_failure: set[int] = set()
        self._record_ids = itertools.count()
        self.wines = self.models = 0
        """How many are handed over and not refused; those that are still ``in_flight`` included."""
        self.failed = 0
        """How many messages of both kinds the broker or the producer refused."""

    @property
    def in_flight(self) -> int:
        """How many messages are not yet acknowledged."""
        return len(self._producer)

    def publish_wines(self, values: Sequence[bytes], stop: threading.Event) -> None:
        """Hand over serialized wines under fresh record ids; waits while the queue is full, but not longer than stop.

        Raises:
            PublishingFailed: the producer cannot go on.
        """
        for value in values:
            queued = self._produce(self._topics.data, f"wine-{self._run}-{next(self._record_ids)}", value, stop)
            if not queued and stop.is_set():
                return
            self.wines += queued

    def publish_model(self, descriptor: ModelDescriptor, stop: threading.Event) -> None:
        """Hand over a model; one that is too large is reported and counted as failed.

        Raises:
            PublishingFailed: the producer cannot go on.
        """
        value = descriptor.SerializeToString()
        headers = digest_headers(descriptor)
        self.models += self._produce(self._topics.models, descriptor.dataType, value, stop, headers)

    def _produce(
        self, topic: str, key: str, value: bytes, stop: threading.Event, headers: Headers | None = None
    ) -> bool:
        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers)
                return True
            except BufferError:
                if stop.is_set():
                    return False
                self.poll(POLL_S)
            except KafkaException as error:
                self._failure(error.args[0], f"{topic}, key {key}, {len(value)} bytes")
                return False

    def poll(self, timeout_s: float) -> None:
        """Wait up to ``timeout_s``, and handle the broker's answers.

        Raises:
            PublishingFailed: the producer cannot go on.
            ClusterChanged: after an outage, another broker answers.
        """
        self._producer.poll(timeout_s)
        self.connection.probe(self._producer)

    def flush(self, timeout_s: float) -> int:
        """Wait until everything is acknowledged; returns the number of messages that are not, after ``timeout_s``."""
        return int(self._producer.flush(timeout_s))

    def _on_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            is_wine = message.topic() == self._topics.data
            self.wines -= is_wine
            self.models -= not is_wine
            self._failure(error, f"{message.topic()}, key {message.key()!r}")

    def _failure(self, error: KafkaError, what: str) -> None:
        self.failed += 1
        self._check_fatal(error)
        if error.code() not in self._kinds_of_failure:  # once per kind, for a fault that hits one hits thousands
            self._kinds_of_failure.add(error.code())
            self._log(f"error: not published: {what}: {error.str()}")

    def _on_error(self, error: KafkaError) -> None:
        self._check_fatal(error)
        self.connection.on_error(error)

    def _check_fatal(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            raise PublishingFailed(error.str())
