"""Every variant must pass every test of this folder, as a real process on the real broker."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from client.embedded_kafka import EmbeddedKafka
from client.topic_creation import create_topics
from serving.topics import Topics
from tests.models import times_alcohol
from tests.server_process import ServerProcess
from tests.stream import Stream, model

DATA_PARTITIONS = 3

VARIANTS = ["custom_stage"]

Start = Callable[..., ServerProcess]
"""Starts a server of the variant under test on the test's stream (or another), with these flags besides."""


@pytest.fixture(params=VARIANTS, scope="module")
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@dataclass(frozen=True)
class Serving:
    """A server with a model in force, shared by the tests of a module; each uses record ids of its own."""

    server: ServerProcess
    stream: Stream


@pytest.fixture(scope="module")
def serving(variant: str, broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    topics = Topics.prefixed(f"shared-{variant}-{uuid4().hex[:8]}")
    create_topics(broker.bootstrap_servers, topics, DATA_PARTITIONS)
    stream = Stream(broker.bootstrap_servers, topics)
    log = tmp_path_factory.mktemp("shared") / f"{variant}.log"
    with ServerProcess(variant, stream.bootstrap_servers, stream.prefix, log) as server:
        server.wait_until_ready()
        stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
        server.wait_until_state(lambda state: state.get("name") == "times 1.0")
        yield Serving(server, stream)


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


@pytest.fixture
def start(variant: str, stream: Stream, tmp_path: Path) -> Iterator[Start]:
    numbers = itertools.count(1)
    with ExitStack() as running:

        def start(*flags: str, on: Stream = stream) -> ServerProcess:
            log = tmp_path / f"{variant}-{next(numbers)}.log"
            return running.enter_context(ServerProcess(variant, on.bootstrap_servers, on.prefix, log, *flags))

        yield start
