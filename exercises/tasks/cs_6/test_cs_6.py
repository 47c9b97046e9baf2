"""Grades cs-6: wait for the model."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.time import others_run, run
from exercises.played.wines import wines
from serving.scoring.records import WineBatch

MAX_BATCHES = 3


class Room:
    """A waiting room, and what it has scored."""

    def __init__(self, module: Any) -> None:
        self.scored: list[str] = []
        self.room = module.WaitingRoom(lambda batch: self.scored.append(name(batch)), MAX_BATCHES)
        self.putting: list[asyncio.Task[None]] = []

    async def put(self, *batches: WineBatch) -> bool:
        """Put them one after the other, without waiting for each; whether the last ``put`` has returned."""
        for batch in batches:
            self.putting.append(asyncio.create_task(self.room.put(batch)))
            await others_run()
            if self.putting[-1].done():
                await self.putting[-1]
        return self.putting[-1].done()

    def model(self, data_type: str) -> None:
        """A model of this type arrives."""
        self.room.model_arrived(data_type)


Scene = Callable[[Room], Coroutine[Any, Any, None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs a scene with a waiting room for three batches."""
    module = answer.load()

    async def played(scene: Scene) -> None:
        await scene(Room(module))

    return lambda scene: run(played(scene))


def wine(partition: int, offset: int) -> WineBatch:
    return wines((partition, offset, 9.4))


def beer(partition: int, offset: int) -> WineBatch:
    return wines((partition, offset, 5.0), data_type="beer")


def name(batch: WineBatch) -> str:
    return f"{batch.data_type} {batch.records[0].partition}@{batch.records[0].offset}"


def shown(scored: Sequence[str]) -> str:
    return ", ".join(scored) or "nothing"


def test_a_batch_whose_model_is_there_is_scored_at_once(play: Play) -> None:
    async def scene(room: Room) -> None:
        room.model("wine")
        await room.put(wine(0, 0))
        expect(
            room.scored == ["wine 0@0"],
            "A batch whose model is there, and before which nothing waits, was not scored.",
            expected="wine 0@0 is scored in put",
            happened=f"scored: {shown(room.scored)}",
            means="every record waits for the next model: nothing is scored for days",
        )

    play(scene)


def test_a_batch_without_a_model_is_not_scored(play: Play) -> None:
    async def scene(room: Room) -> None:
        room.model("wine")
        await room.put(beer(0, 0))
        expect(
            not room.scored,
            "A batch was scored although its data type has no model.",
            expected="beer 0@0 waits: there is a model for wines only",
            happened=f"scored: {shown(room.scored)}",
            means="its records are skipped, which is what was to be avoided",
        )

    play(scene)


def test_a_batch_that_waits_is_scored_when_its_model_comes(play: Play) -> None:
    async def scene(room: Room) -> None:
        await room.put(beer(0, 0))
        room.model("wine")
        room.model("beer")
        expect(
            room.scored == ["beer 0@0"],
            "A batch that waited was not scored when its model came.",
            expected="beer 0@0, as soon as beer has a model",
            happened=f"scored: {shown(room.scored)}",
            means="these records are never scored, and their offsets never committed",
        )

    play(scene)


def test_nothing_is_scored_twice(play: Play) -> None:
    async def scene(room: Room) -> None:
        await room.put(beer(0, 0))
        room.model("beer")
        room.model("beer")
        await room.put(beer(0, 1))
        expect(
            room.scored == ["beer 0@0", "beer 0@1"],
            "A batch was scored twice, or not at all.",
            expected="beer 0@0, beer 0@1",
            happened=f"scored: {shown(room.scored)}",
            means="each new model scores all records since the start again",
        )

    play(scene)


def test_no_batch_overtakes_an_older_one_of_its_partition(play: Play) -> None:
    async def scene(room: Room) -> None:
        room.model("wine")
        await room.put(beer(0, 0), wine(0, 1))
        expect(
            not room.scored,
            "A batch has overtaken an older one of its partition that waits.",
            expected="beer 0@0 waits for its model, and wine 0@1 behind it",
            happened=f"scored: {shown(room.scored)}",
            means="the scores of a partition are in another order than its records",
        )
        await room.put(wine(0, 2))
        expect(
            not room.scored,
            "A batch has overtaken one that itself waits behind another.",
            expected="beer 0@0, wine 0@1 and wine 0@2 wait",
            happened=f"scored: {shown(room.scored)}",
            means="the scores of a partition are in another order than its records",
        )

    play(scene)


def test_no_batch_waits_for_another_partition(play: Play) -> None:
    async def scene(room: Room) -> None:
        room.model("wine")
        await room.put(beer(0, 0), wine(1, 0))
        expect(
            room.scored == ["wine 1@0"],
            "A batch waits for a batch of another partition.",
            expected="beer 0@0 waits; wine 1@0 is scored",
            happened=f"scored: {shown(room.scored)}",
            means="one data type without a model stops all partitions at once",
        )

    play(scene)


def test_what_goes_on_waiting_is_kept(play: Play) -> None:
    async def scene(room: Room) -> None:
        await room.put(beer(0, 0), wine(0, 1), wine(1, 0))
        room.model("wine")
        there = [*room.scored, *(name(batch) for batch in room.room._waiting)]
        expect(
            sorted(there) == ["beer 0@0", "wine 0@1", "wine 1@0"],
            "After a model for other batches, one that went on waiting is lost.",
            expected="with wine's model wine 1@0 is scored; beer 0@0 and wine 0@1 go on waiting",
            happened=f"scored, or still waiting: {shown(there)}",
            means="its records have no score, and their offsets are committed with the next batch",
        )

    play(scene)


def test_what_waited_is_scored_in_its_order(play: Play) -> None:
    async def scene(room: Room) -> None:
        room.model("wine")
        await room.put(beer(0, 0), wine(0, 1), beer(0, 2))
        room.model("beer")
        expect(
            len(room.scored) == 3,
            "Batches still wait although nothing before them does any more.",
            expected="beer 0@0, wine 0@1, beer 0@2",
            happened=f"scored: {shown(room.scored)}",
            means="they wait for a model that has come already, and perhaps for the next one of the same type",
        )
        expect(
            room.scored == ["beer 0@0", "wine 0@1", "beer 0@2"],
            "What waited in a partition was scored in another order than it had come.",
            expected="beer 0@0, wine 0@1, beer 0@2",
            happened=f"scored: {shown(room.scored)}",
            means="who sums up the scores of a key in order gets another result",
        )

    play(scene)


def test_nothing_is_dropped(play: Play) -> None:
    async def scene(room: Room) -> None:
        await room.put(*(beer(0, offset) for offset in range(5)))
        room.model("beer")
        expect(
            room.scored == [f"beer 0@{offset}" for offset in range(5)],
            "A batch was dropped because the room was full.",
            expected=f"room for {MAX_BATCHES}: five were put without waiting, and all five are scored",
            happened=f"scored: {shown(room.scored)}",
            means="these records have no score, and their offsets are committed with the next batch",
        )

    play(scene)


def test_put_waits_while_the_room_is_full(play: Play) -> None:
    async def scene(room: Room) -> None:
        returned = [await room.put(beer(0, offset)) for offset in range(MAX_BATCHES - 1)]
        expect(
            all(returned),
            "put does not return although there is room for another batch.",
            expected=f"room for {MAX_BATCHES}: with {MAX_BATCHES - 1} that wait, put returns",
            happened=f"it returned for {sum(returned)} of {len(returned)} batches",
            means="the fetch loop stands still, and for other data types nothing is scored",
        )
        returned_when_full = [await room.put(beer(0, MAX_BATCHES - 1)), await room.put(beer(0, MAX_BATCHES))]
        expect(
            not any(returned_when_full),
            "put returns although the room is full.",
            expected=f"{MAX_BATCHES} batches wait, or more: put does not return until there is room",
            happened=f"it returned with {MAX_BATCHES} that wait, and with one more: {returned_when_full}",
            means="nothing holds the fetch loop back: the process runs out of memory",
        )
        room.model("beer")
        await others_run()
        expect(
            all(each.done() for each in room.putting),
            "put still waits although a model has made room.",
            expected="beer's model comes, all are scored, and put returns",
            happened="it has not returned",
            means="the first full room stops the server for good",
        )

    play(scene)
