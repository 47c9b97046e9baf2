"""The broker that all tests share, and topics for one test at a time."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.embedded_kafka import EmbeddedKafka
from client.topic_creation import create_topics
from serving.topics import Topics

DATA_PARTITIONS = 3

_prefixes = (f"t{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A real broker on a free port, started when the first test asks for it."""
    data_dir: Path = tmp_path_factory.mktemp("broker")
    with EmbeddedKafka(port=None, data_dir=data_dir) as embedded:
        yield embedded


@pytest.fixture
def topics(broker: EmbeddedKafka) -> Topics:
    """Four topics that no other test uses, already created."""
    fresh = Topics.prefixed(next(_prefixes))
    create_topics(broker.bootstrap_servers, fresh, DATA_PARTITIONS)
    return fresh
