"""The broker that all tests share, and topics for one test at a time."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import answers
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.support.process import eventually
from tests.support.server_process import QUERIES

DATA_PARTITIONS = 3
# Modules whose variants share one fixture.
ONE_SCENE_FOR_ALL = ("test_outage", "test_demo_all", "test_security", "test_three_brokers")
# Modules that start Java in their own process, which is done once there.
IN_ONE_JAVA = ("test_java_model", "test_java_process", "test_proven", "pmml/test_load", "test_model_lines")

# "ci", hypothesis' own profile, has neither chance, nor database, nor deadlines: each run checks the same examples, so
# what fails was brought by the change under test, and nothing fails for being slow. "explore" is for a search: other
# examples, twenty times as many.
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Brokers live for seconds here: code that is compiled a little takes half of the processor time to start them.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"

_prefixes = (f"t{os.environ.get('PYTEST_XDIST_WORKER', '')}-{number}" for number in itertools.count())
_SHARED = pytest.StashKey[EmbeddedKafka]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """With ``-n``: the tests of a module and a variant stay in one process, as they share a server."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByModuleAndVariant(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            module, _, test = nodeid.partition("::")
            variant = next((name for name in QUERIES if name in test.partition("[")[2]), "")
            if module.endswith(("test_graders.py", "test_walkthroughs.py")):
                return nodeid  # an exercise or a notebook each, which have nothing in common
            if any(name in module for name in IN_ONE_JAVA):
                return "java"
            return module if any(name in module for name in ONE_SCENE_FOR_ALL) else f"{module}[{variant}]"

    return ByModuleAndVariant(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With ``-n``: one broker for all processes, started by the one that hands out the tests, and ended with it."""
    config: pytest.Config = node.config
    if all("tests/unit" in argument for argument in config.args):
        return  # these need none
    if _SHARED not in config.stash:
        directory = tempfile.TemporaryDirectory(prefix="broker-")
        config.add_cleanup(directory.cleanup)
        config.stash[_SHARED] = shared = EmbeddedKafka(port=None, data_dir=Path(directory.name) / "kafka")
        config.add_cleanup(shared.stop)
        shared.launch()  # the first test that needs it waits for it
    shared = config.stash[_SHARED]
    node.workerinput["broker"] = (shared.port, str(shared.data_dir))


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A real broker on a free port, for all tests; without ``-n`` started when the first test asks for it."""
    shared: tuple[int, str] | None = getattr(pytestconfig, "workerinput", {}).get("broker")
    if shared is None:
        with EmbeddedKafka(port=None, data_dir=tmp_path_factory.mktemp("broker")) as embedded:
            yield embedded
    else:
        port, data_dir = shared
        embedded = EmbeddedKafka(port, Path(data_dir))
        eventually(lambda: answers(embedded.bootstrap_servers), "the broker answered")
        yield embedded


@pytest.fixture
def topics(broker: EmbeddedKafka) -> Topics:
    """Four topics that no other test uses, already created."""
    fresh = Topics.prefixed(next(_prefixes))
    create_topics(broker.bootstrap_servers, fresh, DATA_PARTITIONS)
    return fresh
