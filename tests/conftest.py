"""The broker that all tests share, and topics for one test at a time."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.embedded_kafka import EmbeddedKafka
from client.topic_creation import create_topics
from serving.topics import Topics
from tests.server_process import QUERIES

DATA_PARTITIONS = 3
# Modules whose variants share one fixture.
ONE_SCENE_FOR_ALL = ("test_outage", "test_demo_all", "test_security", "test_three_brokers")

# Brokers live for seconds here: code that is compiled a little takes half of the processor time to start them.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"

_prefixes = (f"t{number}" for number in itertools.count())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """With ``-n``: the tests of a module and a variant stay in one process, as they share a server."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByModuleAndVariant(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            module, _, test = nodeid.partition("::")
            variant = next((name for name in QUERIES if name in test.partition("[")[2]), "")
            return module if any(name in module for name in ONE_SCENE_FOR_ALL) else f"{module}[{variant}]"

    return ByModuleAndVariant(config, log)


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
