"""One variant's server on topics of its own, with what feeds it and what watches it."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from client.provider.publisher import Publisher
from client.topics import create_topics
from client.wines.source import GeneratedWines, wine_records
from experiments.measured_server import GRACE_S, TIMEOUT_S, MeasuredServer
from experiments.observer import Observer
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.topics import Topics

PARTITIONS = 3
DATA_TYPE = "wine"
MODELS_METER = "serving_models_accepted_total"
NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything an experiment with one variant needs."""

    bootstrap_servers: str
    topics: Topics
    server: MeasuredServer
    observer: Observer
    publisher: Publisher

    def publish_wines(self, wines: Sequence[bytes]) -> None:
        """Publish; returns when the broker has them all."""
        self.publisher.publish_wines(wines, NEVER)
        self.publisher.flush(TIMEOUT_S)

    def publish_model(self, model: ModelDescriptor) -> float:
        """Publish; when the broker had it, on ``time.monotonic``'s clock."""
        self.publisher.publish_model(model, NEVER)
        self.publisher.flush(TIMEOUT_S)
        return time.monotonic()

    def activate(self, model: ModelDescriptor) -> None:
        """Publish a model; returns when it is active."""
        before = self.server.meter(MODELS_METER)
        self.publish_model(model)
        self.server.wait_until(lambda: self.server.meter(MODELS_METER) > before, f"{model.name} was active")

    def wait_until_drained(self) -> None:
        """The group has committed every record there is."""
        ends = self.observer.data_ends()
        observer = self.observer
        self.server.wait_until(lambda: observer.committed(self.server.group) == ends, "every record was committed")


@contextmanager
def scene(
    variant: str,
    bootstrap_servers: str,
    home: Path,
    flags: Sequence[str],
    prefix: str | None = None,
    orphaned_s: float = GRACE_S,
    partitions: int = PARTITIONS,
    python: str | Path = sys.executable,
) -> Iterator[Scene]:
    """Make the topics; the caller starts the server; it is stopped at the end.

    Args:
        variant: its name.
        bootstrap_servers: of a running broker.
        home: a directory of this experiment's own.
        flags: more settings of the server.
        prefix: of the topics; None: the variant's name.
        orphaned_s: how long the server may take to end after this process was killed.
        partitions: of the data and the scores topic.
        python: the interpreter that runs the server.
    """
    prefix = prefix or variant
    topics = Topics.prefixed(prefix)
    create_topics(bootstrap_servers, topics, partitions)
    (home / prefix).mkdir()
    publisher = Publisher(bootstrap_servers, topics, "measured", print)
    with MeasuredServer(variant, bootstrap_servers, prefix, home / prefix, flags, orphaned_s, python) as server:
        yield Scene(bootstrap_servers, topics, server, Observer(bootstrap_servers, topics, partitions), publisher)


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for as long as the block runs; not in /tmp, which may be in memory: it takes about 1.5 GB."""
    with TemporaryDirectory(prefix=".kafka-", dir=".") as directory:  # ignored by git, removed by make clean
        yield Path(directory)


def wines(source: GeneratedWines, n: int) -> list[bytes]:
    """The next n wines, submitted now."""
    return wine_records(source.batch(n), DATA_TYPE, time.time_ns() // 1_000_000)
