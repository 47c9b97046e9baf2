"""What a walkthrough runs: topics of its own on a real broker, and servers as processes.

Everything ends with the notebook's kernel, also where that is killed.
"""

import atexit
import logging
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.scene import Scene, scene
from model.scratch import scratch_directory, sweep
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT

BROKER = "NOTEBOOKS_BOOTSTRAP_SERVERS"
"""The variable with the address of a broker that several notebooks share; without it, each starts its own."""
LIMIT_S = 60.0
ORPHANED_S = 1.0
"""How long a broker or a server may take to end after the kernel was killed; what it has kept is thrown away."""
NOWHERE = logging.getLogger("nowhere")
NOWHERE.addHandler(logging.NullHandler())
NOWHERE.propagate = False
ROOT = Path(__file__).parents[2]
"""The project's directory; a notebook runs in another one."""


class Walk:
    """One notebook's broker, topics and servers; closed at the kernel's end, or when the next is made.

    Cells may be run a second time: they get empty topics, and groups in which no earlier consumer is a member.
    """

    _of_this_kernel: ClassVar["Walk | None"] = None

    def __init__(self, name: str) -> None:
        """Start a broker, or use the one that is kept for all notebooks: 3 s.

        Args:
            name: of the notebook; its topics begin with it.
        """
        if Walk._of_this_kernel is not None:
            Walk._of_this_kernel.close()
        Walk._of_this_kernel = self
        self._topics: Counter[str] = Counter()
        self._consumers: dict[str, Consumer] = {}
        self._stack = ExitStack()
        atexit.register(self.close)
        sweep()  # what kernels that were killed have left
        self.home = self._stack.enter_context(scratch_directory())
        """A directory for as long as the notebook runs."""
        self._prefix = f"{name}-{uuid.uuid4().hex[:8]}"
        self.bootstrap_servers = os.environ.get(BROKER) or self._started()
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def topic(self, name: str, partitions: int = 1, **settings: str) -> str:
        """Create a topic, and wait until the broker knows of it; returns its whole name.

        Args:
            name: in the notebook; a second one of the same name is another topic.
            partitions: how many.
            settings: of the topic, with ``_`` for ``.``: ``cleanup_policy="compact"``.
        """
        self._topics[name] += 1
        whole = ".".join([self._prefix, name, *(["again"] * (self._topics[name] - 1))])
        config = {key.replace("_", "."): value for key, value in settings.items()}
        TopicCreation(self.bootstrap_servers, PLAINTEXT, "name").create_missing({whole: (partitions, config)})
        return whole

    def producer(self, **settings: object) -> Producer:
        """A producer; settings as of ``topic``."""
        # Else librdkafka writes of a fenced producer on the terminal, with the time, and at any log level.
        return Producer(self._settings(settings) | {"logger": NOWHERE})

    def consumer(self, group: str, **settings: object) -> Consumer:
        """A consumer of this group that begins at the first record; settings as of ``topic``.

        It is closed at the end, or when the notebook makes another one of its group.
        """
        if (earlier := self._consumers.get(group)) is not None:
            earlier.close()
        defaults = {"group.id": f"{self._prefix}.{group}", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = self._consumers[group] = Consumer(defaults | self._settings(settings))
        self._stack.callback(consumer.close)
        return consumer

    def read(self, topic: str, partition: int = 0, begin: int = 0, **settings: object) -> list[Message]:
        """All records that a partition has now, from an offset on, in order; without settings as read_committed."""
        reading = {"group.id": "reading", "enable.partition.eof": True}
        consumer = Consumer(self._settings(settings) | reading)
        try:
            consumer.assign([TopicPartition(topic, partition, begin)])
            return list(self._until_end(consumer))
        finally:
            consumer.close()

    def scene(self, variant: str, flags: Sequence[str] = ()) -> Scene:
        """A variant's topics, its server (not started yet), and what feeds and watches it; stopped at the end."""
        number = len(list(self.home.iterdir()))
        return self._stack.enter_context(
            scene(
                variant,
                self.bootstrap_servers,
                self.home,
                flags,
                prefix=f"{self._prefix}.{variant}-{number}",
                orphaned_s=ORPHANED_S,
            )
        )

    def close(self) -> None:
        """End everything that this notebook has started."""
        self._stack.close()

    def _started(self) -> str:
        broker = EmbeddedKafka(port=None, data_dir=self.home / "kafka", grace_s=ORPHANED_S)
        return self._stack.enter_context(broker).bootstrap_servers

    def _settings(self, settings: dict[str, object]) -> dict[str, object]:
        given = {key.replace("_", "."): value for key, value in settings.items()}
        return {"bootstrap.servers": self.bootstrap_servers, "log_level": 0} | given

    @staticmethod
    def _until_end(consumer: Consumer) -> Iterator[Message]:
        deadline_s = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline_s:
            for message in consumer.consume(1_000, timeout=0.1):
                if (error := message.error()) is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return
                    raise KafkaException(error)
                yield message
        raise TimeoutError(f"the end of the partition was not reached within {LIMIT_S:g} s")


def wait_until(holds: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> float:
    """Look until it holds; returns how many seconds that took.

    Raises:
        TimeoutError: it does not within the limit.
    """
    began_s = time.monotonic()
    while not holds():
        if time.monotonic() - began_s > limit_s:
            raise TimeoutError(f"{what}: not within {limit_s:g} s")
        time.sleep(0.01)
    return time.monotonic() - began_s
