"""The end of faust's own recovery: its flags say that tables are ready, ``completed_generation`` says whose."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from faust.types import TP

from serving.streams.table import GenerationRecovery, GenerationTableManager
from tests.support.faust_records import GENERATION, TOPIC, NoKafka, unstarted
from tests.support.faust_scene import some_turns


class SlowSeek(NoKafka):
    """Recovery's last step is to seek to what is committed; ``meanwhile`` happens while the broker takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] | None = None

    def assignment(self) -> set[TP]:
        return {TP(TOPIC, 0)}

    def resume_partitions(self, tps: set[TP]) -> None: ...

    def resume_flow(self) -> None: ...

    async def perform_seek(self) -> None:
        if self.meanwhile is not None:
            self.meanwhile()


class Fetching:
    """Stands for the service that reads from Kafka."""

    async def maybe_start(self) -> None: ...


def member() -> Any:
    """An application whose group is being rebalanced, up to recovery."""
    app = unstarted(TableManager=GenerationTableManager)
    app.consumer = SlowSeek()
    app._fetcher = Fetching()
    app.on_rebalance_start()
    return app


Ends = Callable[[Any], Any]


def with_tables(app: Any) -> Any:
    return app.tables.recovery.on_recovery_completed(app.consumer_generation_id)


def without_tables(app: Any) -> Any:
    return app.tables.recovery._resume_streams(app.consumer_generation_id)


def passes_for_ready(app: Any) -> bool:
    """What faust itself can say."""
    return bool(app.tables.actives_ready and not app.rebalancing)


@pytest.mark.parametrize("ends", [with_tables, without_tables])
def test_a_recovery_completes_the_generation_it_was_of(ends: Ends) -> None:
    async def run() -> None:
        app = member()
        assert isinstance(app.tables.recovery, GenerationRecovery)
        assert app.tables.recovery.completed_generation is None
        await ends(app)
        assert app.tables.recovery.completed_generation == GENERATION
        assert passes_for_ready(app)

    asyncio.run(run())


@pytest.mark.parametrize("ends", [with_tables, without_tables])
def test_one_that_ends_while_the_group_is_rebalanced_completes_neither_though_faust_calls_it_ready(ends: Ends) -> None:
    async def run() -> None:
        app = member()

        def rebalanced() -> None:
            app.on_rebalance_start()
            app.consumer_generation_id = GENERATION + 1

        app.consumer.meanwhile = rebalanced
        await ends(app)
        assert passes_for_ready(app), "or this class is not needed any more"
        assert app.tables.recovery.completed_generation is None
        app.consumer.meanwhile = None
        await ends(app)
        assert app.tables.recovery.completed_generation == GENERATION + 1

    asyncio.run(run())


@pytest.mark.parametrize("ends", [with_tables, without_tables])
def test_one_that_comes_too_late_from_the_start_completes_nothing(ends: Ends) -> None:
    async def run() -> None:
        app = member()
        late = ends(app)
        app.consumer_generation_id = GENERATION + 1
        await late
        assert app.tables.recovery.completed_generation is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("read_to", "waiting", "needed"),
    [
        pytest.param(None, 0, True, id="nothing was read yet"),
        pytest.param(5, 0, True, id="not to its end"),
        pytest.param(6, 1, True, id="to its end, and a record waits to be restored"),
        pytest.param(6, 0, False, id="to its end, where no record is"),
    ],
)
def test_a_changelog_that_is_read_to_its_end_is_not_waited_for_though_its_last_offset_has_no_record(
    read_to: int | None, waiting: int, needed: bool
) -> None:
    """As the end of a transaction has."""

    async def run() -> None:
        app, changelog = member(), TP("changelog", 0)
        app.consumer.changelogs_read_to = {} if read_to is None else {changelog: read_to}
        recovery = app.tables.recovery
        recovery.active_highwaters[changelog] = 5
        recovery.active_offsets[changelog] = 4
        for number in range(waiting):
            app.tables.changelog_queue.force_put_nowait(number)
        assert recovery.need_recovery() == needed
        recovery.active_offsets[changelog] = 5
        assert not recovery.need_recovery()

    asyncio.run(run())


def test_a_step_that_takes_longer_than_its_timeout_is_waited_for() -> None:
    """The broker is away; stock faust would end its recoveries for good."""

    async def run() -> None:
        steps: list[str] = []

        async def step() -> None:
            await some_turns()
            steps.append("done")

        await member().tables.recovery._wait(step(), timeout=0)
        assert steps == ["done"]

    asyncio.run(run())
