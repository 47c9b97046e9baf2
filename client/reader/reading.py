"""The reader's loop over all partitions of one topic."""

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from client.connection import RECONNECT_MS, Connection
from client.errors import TopicUnknown
from client.reader.lines import Line
from client.terminal.display import Display
from client.terminal.pace import Rate
from client.topics import ends
from serving.errors import BrokerNotFound, TopicRefused
from serving.settings.security import PLAINTEXT, KafkaSecurity

TIMEOUT_S = 5.0
FETCH_S = 0.1
FETCH_MESSAGES = 500

GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


class Reading:
    """Reads one topic outside any consumer group: partitions are assigned by hand, nothing is committed."""

    def __init__(
        self, bootstrap_servers: str, group: str, topic: str, line: Line, security: KafkaSecurity = PLAINTEXT
    ) -> None:
        """Connect in the background; ``line`` turns a message into what is shown of it."""
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._line = line
        self._errors: list[KafkaError] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                **security.for_librdkafka(),
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,  # where a transaction ended, no message has the last offset
                "auto.offset.reset": "earliest",  # after the topic was created again, or its old records deleted
                "error_cb": self._errors.append,
                "reconnect.backoff.max.ms": RECONNECT_MS,
                "log_level": 0,
            }
        )
        self._next: dict[int, int] = {}  # partition -> offset
        self._rate = Rate()
        self.messages = 0

    def start(self, where: str) -> None:
        """Take up the position.

        Args:
            where: ``beginning``, ``end`` or an offset, which is moved to the nearest one that each partition has.
        Raises:
            BrokerNotFound, TopicUnknown, TopicRefused: there is nothing to read.
        """
        try:
            found = self._consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
            if found.error is not None:
                raise self._refusal(found.error)
            for partition in found.partitions:
                low, high = ends(self._consumer, TopicPartition(self._topic, partition))
                wanted = {"beginning": low, "end": high}.get(where)
                self._next[partition] = max(low, min(int(where), high)) if wanted is None else wanted
        except KafkaException as error:
            cause: KafkaError = error.args[0]
            if cause.code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN):
                raise BrokerNotFound(self._bootstrap_servers) from None
            raise self._refusal(cause) from None
        self._consumer.assign([TopicPartition(self._topic, *at) for at in self._next.items()])

    def run(self, count: int | None, display: Display, stop: threading.Event) -> None:
        """Show messages until ``stop``, or until ``count`` of them are shown; a lost broker is waited for.

        Raises:
            TopicUnknown: the topic no longer exists.
            ClusterChanged: after an outage, another broker answers.
            TopicRefused: the broker will not give it.
        """
        connection = Connection(self._bootstrap_servers, display.log)
        while not stop.is_set() and self.messages != count:
            wanted = FETCH_MESSAGES if count is None else min(FETCH_MESSAGES, count - self.messages)
            lines = [line for it in self._consumer.consume(wanted, FETCH_S) if (line := self._take(it)) is not None]
            if lines:
                display.write("\n".join(lines))
            while self._errors:
                connection.on_error(self._errors.pop())
            connection.probe(self._consumer)
            self._show(display, connection)

    def _take(self, message: Message) -> str | None:
        partition = message.partition()
        offset = message.offset()
        error = message.error()
        if partition is None or offset is None:
            return None
        if error is None:
            self._next[partition] = offset + 1
            self.messages += 1
            return self._line(message)
        if error.code() == KafkaError._PARTITION_EOF:
            self._next[partition] = offset
        elif error.code() in (*GONE, *REFUSED):
            raise self._refusal(error)
        return None  # librdkafka retries anything else

    def _refusal(self, error: KafkaError) -> TopicUnknown | TopicRefused:
        if error.code() in GONE:
            return TopicUnknown(self._topic, self._bootstrap_servers)
        return TopicRefused(self._topic, error.str(), "--topic")

    def _show(self, display: Display, connection: Connection) -> None:
        rate = self._rate.per_s(time.monotonic(), self.messages)
        read = f"{self.messages:,} messages, {rate:,.1f} per second"
        lag = f"{self._lag():,} messages"
        rows = {"read": read, "lag": lag}
        if connection.lost:
            rows["broker"] = "lost, retrying"
        display.show(rows, f"read: {read}; lag: {lag}" + ("; no broker answers" if connection.lost else ""))

    def _lag(self) -> int:
        """Messages between the position and the ends of all partitions, as of the last answers."""
        lag = 0
        for partition, offset in self._next.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
            lag += max(0, high - offset)  # unknown is negative
        return lag

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
