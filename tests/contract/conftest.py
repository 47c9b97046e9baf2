"""Every variant must pass every test of this folder, as a real process on the real broker."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from experiments.variants import VARIANTS as VARIANTS
from serving.engine import Guarantees
from serving.kernel import Variant
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

DATA_PARTITIONS = 3

SOON_MISSED = ("--session-timeout-ms", "2000")  # the group gives a killed member's partitions away after this time


def delivery_flags(mode: str, transactional_id: str = "") -> tuple[str, ...]:
    """How a server is told its delivery mode; the default needs no flag, and not every variant has it."""
    if mode == "at-least-once":
        return ()
    return ("--delivery", mode, *(("--transactional-id", transactional_id) if transactional_id else ()))


Start = Callable[..., ServerProcess]
"""Starts a server of the variant under test with these flags besides: ``start(*flags, on=stream, instance="a")``.

An instance keeps its directory over restarts; several at once need names of their own.
"""


def package(name: str) -> Variant:
    """The variant as data."""
    variant: Variant = import_module(name).VARIANT
    return variant


@pytest.fixture(params=VARIANTS, scope="module")
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def promised(variant: str) -> Guarantees:
    return package(variant).guarantees


@dataclass(frozen=True)
class Serving:
    """A server with an active model, shared by the tests of a module; each uses record ids of its own."""

    server: ServerProcess
    stream: Stream


@pytest.fixture(scope="module")
def serving(variant: str, broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    stream = new_stream(broker, f"shared-{variant}")
    log = tmp_path_factory.mktemp("shared") / f"{variant}.log"
    with ServerProcess(variant, stream.bootstrap_servers, stream.prefix, log) as server:
        server.wait_until_ready()
        put_in_force(server, stream, 1.0)
        yield Serving(server, stream)


@dataclass(frozen=True)
class TopicsOfAnyTime(Topics):
    """The broker takes any time stamp, and deletes nothing for one."""

    def layout(self, data_partitions: int) -> dict[str, tuple[int, dict[str, str]]]:
        """As always, and any time."""
        longest = str(2**63 - 1)
        any_time = {"message.timestamp.after.max.ms": longest, "segment.ms": longest, "retention.ms": "-1"}
        always = Topics.layout(self, data_partitions)
        return {name: (partitions, {**settings, **any_time}) for name, (partitions, settings) in always.items()}


def new_stream(broker: EmbeddedKafka, name: str, kind: type[Topics] = Topics) -> Stream:
    """Topics that no other test uses."""
    topics = kind.prefixed(f"{name}-{uuid4().hex[:8]}")
    create_topics(broker.bootstrap_servers, topics, DATA_PARTITIONS)
    return Stream(broker.bootstrap_servers, topics)


def put_in_force(server: ServerProcess, stream: Stream, factor: float, data_type: str = "wine") -> str:
    """Publish the model ``times FACTOR`` and wait until this server scores with it; its name.

    A test that publishes its model before a server is ready asks for more than this: that it learns older models.
    """
    name = f"times {factor}"
    stream.publish_model(model(name, data=times_alcohol(factor), data_type=data_type))
    server.wait_until_state(lambda state: state["name"] == name, data_type)
    return name


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


@pytest.fixture
def start(variant: str, stream: Stream, tmp_path: Path) -> Iterator[Start]:
    numbers = itertools.count(1)
    with ExitStack() as running:

        def start(*flags: str, on: Stream = stream, instance: str = "a") -> ServerProcess:
            log = tmp_path / f"{variant}-{instance}-{next(numbers)}.log"
            server = ServerProcess(
                variant, on.bootstrap_servers, on.prefix, log, *flags, data_dir=data_dir(tmp_path, instance)
            )
            return running.enter_context(server)

        yield start


def data_dir(tmp_path: Path, instance: str = "a") -> Path:
    """Where an instance that a test started keeps its state."""
    return tmp_path / instance
