"""An application between the kernel and faust: when it is ready, and what it tells of the group."""

import asyncio

import pytest

from serving.errors import EngineCrashed, TopicRefused
from serving.streams.errors import EngineNotStarted
from tests.support.faust_records import TOPIC
from tests.support.faust_scene import DEADLINE_S, Run, Scene, some_turns, until


def test_a_start_ends_when_the_tables_of_this_generation_have_been_read(run: Run) -> None:
    async def play(scene: Scene) -> None:
        group = scene.group
        recovered, group.recovered = group.recovered, lambda: None  # type: ignore[method-assign]
        starting = asyncio.create_task(scene.application.start(scene.group))
        await until(lambda: group.started)
        group.tables.recovery.completed_generation = 0  # of an older generation: its partitions were others
        await some_turns()
        assert (starting.done(), scene.application.restored(), scene.restored) == (False, False, [])
        recovered()
        await asyncio.wait_for(starting, DEADLINE_S)
        assert (scene.application.restored(), scene.restored) == (True, [{0, 2}])

    run(play)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError("no way"), EngineNotStarted), (TopicRefused("changelog", "no right", "--group"), TopicRefused)],
)
def test_a_start_that_fails_says_why(run: Run, error: Exception, raised: type[Exception]) -> None:
    async def play(scene: Scene) -> None:
        scene.group.fails = error
        with pytest.raises(raised, match=r"no way|no right"):
            await scene.application.start(scene.group)

    run(play)


@pytest.mark.parametrize(
    ("reason", "raised"),
    [(RuntimeError("lost itself"), EngineCrashed), (TopicRefused("changelog", "no right", "--group"), TopicRefused)],
)
def test_a_crash_ends_the_start_and_the_serving_alike(run: Run, reason: Exception, raised: type[Exception]) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving() as serving:
            await scene.group.crash(reason)
            with pytest.raises(raised):
                await serving
        with pytest.raises(raised):
            await scene.application.start(scene.group)

    run(play)


def test_after_a_rebalance_the_tables_are_read_before_the_next_batch(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            scene.group.fetched((0, 0))
            scene.scored.release()
            await until(lambda: len(scene.batches) == 1)
            scene.group.consumer.partitions = {1}
            scene.group.rebalanced()
            await some_turns()
            assert (scene.application.restored(), scene.restored) == (False, [{0, 2}]), "its tables are not read yet"
            scene.group.recovered()
            scene.group.fetched((1, 5))
            await until(lambda: len(scene.batches) == 2)
            assert scene.restored == [{0, 2}, {1}]

    run(play)


def test_a_rebalance_while_the_rows_are_read_has_them_read_again(run: Run) -> None:
    async def play(scene: Scene) -> None:
        def rebalanced() -> None:
            scene.while_restoring = lambda: None
            scene.group.consumer.partitions = {1}
            scene.group.rebalanced()
            scene.group.recovered()

        scene.while_restoring = rebalanced
        await asyncio.wait_for(scene.application.start(scene.group), DEADLINE_S)
        assert (scene.application.restored(), scene.restored) == (True, [{0, 2}, {1}])

    run(play)


def test_an_instance_without_records_is_restored_after_a_rebalance_too(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            scene.group.consumer.partitions = set()
            scene.group.rebalanced()
            scene.group.recovered()
            await until(scene.application.restored)
            assert scene.restored == [{0, 2}, set()]

    run(play)


@pytest.mark.parametrize("flag", ["rebalancing", "crashed"])
def test_while_the_group_is_rebalanced_or_lost_nothing_is_called_restored(run: Run, flag: str) -> None:
    async def play(scene: Scene) -> None:
        assert not scene.application.restored(), "not even started"
        await scene.application.start(scene.group)
        assert scene.application.restored()
        setattr(scene.group, flag, True)
        assert not scene.application.restored()

    run(play)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("localhost", "http://localhost:8080")],
)
def test_an_instance_is_known_by_its_url(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    assert Scene(monkeypatch, host).application.url == url


def test_what_the_group_says_of_its_instances_is_told_in_our_spelling(run: Run) -> None:
    async def play(scene: Scene) -> None:
        scene.group.metadata = {"http://b:1/": {TOPIC: [2, 0], "other": [7]}, "http://a:1": {"other": [1]}}
        await scene.application.start(scene.group)
        assert scene.application.instances() == {"http://b:1": [0, 2], "http://a:1": []}
        assert scene.application.assigned() == {0, 2}, "the data topic's, not the changelog's"
        assert scene.application.application_id == "cluster/scores/models"

    run(play)
