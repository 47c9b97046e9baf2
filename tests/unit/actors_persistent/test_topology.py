"""From where the model feed goes on: never past a model that has not been kept."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors_persistent.asking import Actors
from actors_persistent.journal.feed_position import keep_position, kept_position
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.settings import ActorSettings
from actors_persistent.topology import Engine
from client.broker.ports import free_port
from serving.engine import FeedPosition
from serving.kernel import Kernel
from serving.telemetry.report import Report
from tests.unit.actors_persistent.conftest import DATA_TOPIC_ID, MODELS_TOPIC_ID, Models


class KnownCluster:
    """Of the broker only the cluster's name is asked, as there is none."""

    cluster_id = "cluster"
    models_topic_id = MODELS_TOPIC_ID
    data_topic_id = DATA_TOPIC_ID


def kernel(data_dir: Path) -> Kernel:
    flags = ["--data-dir", str(data_dir), "--bootstrap-servers", f"127.0.0.1:{free_port()}"]
    broker, sink = KnownCluster(), None
    settings = ActorSettings.read("server", flags)
    return Kernel("actors_persistent", 1, settings, sink, broker, Report())  # type: ignore[arg-type]


def root_of(here: Kernel, data_dir: Path) -> Path:
    return data_dir / "cluster" / here.group / here.settings.topic_prefix


def position_in(root: Path) -> FeedPosition | None:
    """What the next life will find."""
    with opened(root) as file:
        return kept_position(file)


@contextmanager
def opened(root: Path) -> Iterator[JournalFile]:
    file = JournalFile(root, fsync=False)
    file.open()
    try:
        yield file
    finally:
        file.close()


def test_what_catching_up_brings_in_whatever_order_counts_when_all_of_it_is_there(
    tmp_path: Path, models: Models
) -> None:
    async def live() -> None:
        here = kernel(tmp_path)
        topology, root = Engine(here), root_of(here, tmp_path)
        await topology.start()
        assert topology.models_from == "beginning"
        await topology.accept(models.arrived(5.0, 9, "beer"))
        assert position_in(root) is None, "a wine's model may be still to come, before offset 9"
        await topology.accept(models.arrived(6.0, 4, "wine"))
        here.stop.set()
        await topology.run()
        assert position_in(root) == FeedPosition(MODELS_TOPIC_ID, 10)
        await topology.accept(models.arrived(7.0, 12, "wine"))
        assert position_in(root) == FeedPosition(MODELS_TOPIC_ID, 13)
        await topology.accept(models.arrived(8.0, 30, "wine", topic_id="created again"))
        assert position_in(root) == FeedPosition(MODELS_TOPIC_ID, 13), "others of that topic may be still to come"
        await topology.close()

    asyncio.run(live())


def test_the_feed_goes_on_where_the_last_life_had_come_to(tmp_path: Path, models: Models) -> None:
    async def live() -> None:
        here = kernel(tmp_path)
        with opened(root_of(here, tmp_path)) as file:
            keep_position(file, FeedPosition("whichever topic", 13))
        topology = Engine(here)
        await topology.start()
        assert topology.models_from == FeedPosition("whichever topic", 13)
        await topology.close()

    asyncio.run(live())


def test_a_model_that_its_actor_did_not_accept_does_not_move_the_position(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        here = kernel(tmp_path)
        topology, root = Engine(here), root_of(here, tmp_path)
        await topology.start()
        await topology.accept(models.arrived(5.0, 3))
        here.stop.set()
        await topology.run()
        before = position_in(root)

        def refuse(_actors: Actors, _arrived: object) -> None:
            assert position_in(root) == before, "not yet"
            raise OSError("the disk is gone")

        monkeypatch.setattr(Actors, "accept", refuse)
        with pytest.raises(OSError, match="the disk is gone"):
            await topology.accept(models.arrived(6.0, 7))
        await topology.close()
        assert before == position_in(root) == FeedPosition(MODELS_TOPIC_ID, 4)

    asyncio.run(live())
