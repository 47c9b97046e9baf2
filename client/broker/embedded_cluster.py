"""Several embedded brokers as one Kafka cluster: each record is on all of them, and any one of them may fail."""

import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.plan import new_cluster
from client.broker.ports import free_port
from client.errors import BrokerDied


class EmbeddedCluster:
    """Used like one ``EmbeddedKafka``; with three brokers a record is acknowledged when two have it."""

    def __init__(
        self,
        ports: Sequence[int],
        data_dir: Path = Path(".kafka"),
        keep: bool = False,
        on_death: Callable[[BrokerDied], None] | None = None,
    ) -> None:
        """Remember what to start; nothing happens before ``start``.

        Args:
            ports: one per broker, on 127.0.0.1.
            data_dir: ``.kafka`` means the directories ``.kafka-1``, ``.kafka-2`` and so on, one per broker.
            keep: go on with the data of the last time, if there is any, instead of wiping it.
            on_death: called once, on another thread, when too few brokers are left to write a record.
        """
        directories = [data_dir.with_name(f"{data_dir.name}-{number}") for number in range(1, len(ports) + 1)]
        self._plan = new_cluster(ports, [free_port() for _ in ports])
        self._on_death = on_death
        self._lock = threading.Lock()
        self._dead: set[int] = set()
        self._gone = threading.Event()
        self.brokers = [
            EmbeddedKafka(node.port, directory, keep=keep, on_death=partial(self._died, node.id), cluster=self._plan)
            for node, directory in zip(self._plan.nodes, directories, strict=True)
        ]
        """In the order of their node ids, 1 and on."""
        self.death: BrokerDied | None = None
        """Why no record can be written any more, if brokers ended by themselves."""

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    def start(self) -> None:
        """Start all brokers; on return each of them answers. For what it raises see ``EmbeddedKafka.start``."""
        try:
            for broker in self.brokers:
                broker.launch()
            for broker in self.brokers:
                broker.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Wait as long as records can be written.

        Raises:
            BrokerDied: too many brokers have ended without ``stop``.
        """
        self._gone.wait()
        if self.death is not None:
            raise self.death

    def stop(self) -> None:
        """Shut down all brokers; no effect on those that do not run."""
        stopping = [
            threading.Thread(target=broker.stop) for broker in self.brokers
        ]  # at once: they wait for each other
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._gone.set()

    def _died(self, number: int, death: BrokerDied) -> None:
        with self._lock:
            self._dead.add(number)
            left = len(self.brokers) - len(self._dead)
            enough = left >= self._plan.in_sync
            first = self.death is None
            if not enough and first:
                self.death = death
        if enough:
            sys.stderr.write(f"broker {number} has ended by itself; the other {left} continue\n")
        elif first:
            self._gone.set()
            if self._on_death is not None:
                self._on_death(death)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
