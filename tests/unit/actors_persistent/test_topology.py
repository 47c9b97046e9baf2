"""From where the model feed goes on: never past a model that has not been kept."""

import asyncio
from pathlib import Path

from actors_persistent.feed_position import FeedPosition
from actors_persistent.topology import Topology
from client.ports import free_port
from serving.engine import FeedPosition as Start
from serving.kernel import Kernel
from serving.report import Report
from serving.settings import Settings
from tests.unit.actors_persistent.conftest import Models


class KnownCluster:
    """Of the broker only the cluster's name is asked, as there is none."""

    cluster_id = "cluster"
    models_topic_id = "models topic"


def kernel(data_dir: Path) -> Kernel:
    flags = ["--data-dir", str(data_dir), "--bootstrap-servers", f"127.0.0.1:{free_port()}"]
    broker, sink = KnownCluster(), None
    settings = Settings.read("server", flags)
    return Kernel("actors_persistent", 1, settings, sink, broker, Report())  # type: ignore[arg-type]


def test_what_catching_up_brings_in_whatever_order_counts_when_all_of_it_is_there(
    tmp_path: Path, models: Models
) -> None:
    async def live() -> None:
        here = kernel(tmp_path)
        topology = Topology(here)
        position = FeedPosition(tmp_path / "cluster" / here.group / here.settings.topic_prefix)
        await topology.start()
        assert topology.models_from == "beginning"
        await topology.accept(models.arrived(5.0, 9, "beer"))
        assert position.read() is None, "a wine's model may be still to come, before offset 9"
        await topology.accept(models.arrived(6.0, 4, "wine"))
        here.stop.set()
        await topology.serve()
        assert position.read() == 10
        await topology.accept(models.arrived(7.0, 12, "wine"))
        assert position.read() == 13
        await topology.close()

    asyncio.run(live())


def test_the_feed_goes_on_where_the_last_life_had_come_to(tmp_path: Path, models: Models) -> None:
    async def live() -> None:
        here = kernel(tmp_path)
        FeedPosition(tmp_path / "cluster" / here.group / here.settings.topic_prefix).write(13)
        topology = Topology(here)
        await topology.start()
        assert topology.models_from == Start("models topic", 13)
        await topology.close()

    asyncio.run(live())
