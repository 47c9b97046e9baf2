"""An application and its agent: which batches are handed out, and how they end."""

import asyncio

import pytest

from serving.errors import BrokerRefused
from serving.streams import application
from serving.streams.application import Application
from tests.support.faust_records import TOPIC
from tests.support.faust_scene import Run, Scene, some_turns, until


def test_no_batch_comes_before_serving_begins(run: Run) -> None:
    async def play(scene: Scene) -> None:
        await scene.application.start(scene.group)
        scene.group.fetched((0, 0))
        working = asyncio.create_task(scene.agent())
        await some_turns()
        assert scene.places == []
        serving = asyncio.create_task(scene.application.run())
        await until(lambda: scene.places == [[(0, 0)]])
        for task in (working, serving):
            task.cancel()
        await asyncio.wait([working, serving])
        await scene.group.stream.stop()

    run(play)


def test_a_model_is_put_in_force_between_two_batches(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            scene.group.fetched((0, 0))
            await until(lambda: len(scene.batches) == 1)
            between = asyncio.create_task(holding(scene.application))
            scene.group.fetched((0, 1))
            await some_turns()
            assert (between.done(), len(scene.batches)) == (False, 1)
            scene.scored.release()
            assert await between == "between"
            await until(lambda: len(scene.batches) == 2)

    run(play)


async def holding(held: Application) -> str:
    async with held.between_batches():
        return "between"


def test_a_batch_whose_generation_is_over_is_not_handed_out(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            async with scene.application.between_batches():
                scene.group.fetched((0, 0))
                await until(scene.group.stream.channel.queue.empty)
                scene.group.rebalanced()
                scene.group.recovered()
            later = scene.group.fetched((0, 0), (2, 0))
            await until(lambda: len(scene.batches) == 1)
            assert scene.places == [[(0, 0)]]
            assert not later[0].message.acked

    run(play)


def test_no_batch_is_handed_out_before_its_generation_s_rows_are_read(run: Run) -> None:
    """Without them its records would be counted as its partition's first ones, and so written."""

    async def play(scene: Scene) -> None:
        async with scene.serving():
            scene.group.consumer.partitions = {0, 1, 2}
            scene.group.rebalanced()
            scene.group.fetched((1, 0))
            await some_turns()
            assert (scene.places, len(scene.restored)) == ([], 1)
            scene.group.recovered()
            await until(lambda: scene.places == [[(1, 0)]])
            assert len(scene.restored) == 2

    run(play)


def test_a_stop_waits_for_the_batches_in_flight_commits_them_and_begins_no_other(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving() as serving:
            in_flight = scene.group.fetched((0, 0))
            await until(lambda: len(scene.batches) == 1)
            scene.kernel.stop.set()
            scene.group.fetched((0, 1))
            for step in (scene.scored, scene.finish):
                await asyncio.wait([serving], timeout=0.1)
                assert (serving.done(), scene.group.consumer.commits) == (False, 0)
                step.release()
            await serving
            assert (in_flight[0].message.acked, scene.group.consumer.commits) == (True, 1)
            await some_turns()
            assert len(scene.batches) == 1
            await scene.application.stop()
            assert scene.group.stopped

    run(play)


def test_while_a_batch_is_acknowledged_the_next_one_is_scored_and_no_further(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            events = scene.group.fetched((0, 0), (0, 1), (0, 2))
            for scored in (1, 2):
                await until(lambda scored=scored: len(scene.batches) == scored)  # type: ignore[misc]
                scene.scored.release()
            await some_turns()
            assert (len(scene.batches), [each.message.acked for each in events]) == (2, [False] * 3)
            scene.finish.release()
            await until(lambda: len(scene.batches) == 3)
            assert [each.message.acked for each in events] == [True, False, False]

    run(play)


def test_a_batch_that_cannot_be_acknowledged_crashes_the_application(run: Run) -> None:
    async def refused() -> None:
        raise BrokerRefused("writing", "no right")

    async def play(scene: Scene) -> None:
        async with scene.serving() as serving:
            await scene.application.finish(refused())
            with pytest.raises(BrokerRefused):
                await serving

    run(play)


def test_partitions_are_revoked_when_the_batches_in_flight_are_acknowledged(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            in_flight = scene.group.fetched((0, 0))
            await until(lambda: len(scene.batches) == 1)
            revoking = asyncio.ensure_future(scene.group.consumer.finish_in_flight())
            for step in (scene.scored, scene.finish):
                await some_turns()
                assert not revoking.done()
                step.release()
            await revoking
            assert in_flight[0].message.acked

    run(play)


@pytest.mark.parametrize("is_scored", [False, True])
def test_a_batch_that_does_not_end_in_time_does_not_hold_the_group_up(
    run: Run, monkeypatch: pytest.MonkeyPatch, is_scored: bool
) -> None:
    monkeypatch.setattr(application, "REVOKE_TIMEOUT_S", 0.01)

    async def play(scene: Scene) -> None:
        async with scene.serving():
            in_flight = scene.group.fetched((0, 0))
            await until(lambda: len(scene.batches) == 1)
            if is_scored:
                scene.scored.release()
            await scene.group.consumer.finish_in_flight()
            assert not in_flight[0].message.acked

    run(play)


def test_a_batch_of_a_topic_that_was_created_again_is_neither_handed_out_nor_acknowledged(run: Run) -> None:
    async def play(scene: Scene) -> None:
        async with scene.serving():
            in_flight, waiting = scene.group.fetched((0, 0), (0, 1))
            await until(lambda: len(scene.batches) == 1)
            scene.broker.data_topic_id = "second"
            await scene.application.data_topic_recreated()
            assert scene.group.consumer.recreated == (TOPIC, "second")
            assert scene.batches[0].stale
            scene.scored.release()
            scene.finish.release()
            await until(scene.group.stream.channel.queue.empty)
            await some_turns()
            assert not in_flight.message.acked
            assert (len(scene.batches), waiting.message.acked) == (1, False)

    run(play)


def test_before_it_has_started_there_is_nothing_to_begin_again(run: Run) -> None:
    async def play(scene: Scene) -> None:
        await scene.application.data_topic_recreated()
        assert scene.group.consumer.recreated is None

    run(play)
