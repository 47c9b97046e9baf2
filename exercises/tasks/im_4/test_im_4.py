"""Grades im-4: errors inside a processor, without stopping."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.time import run
from exercises.played.wines import record
from serving.errors import BrokerRefused
from serving.scoring.records import RawRecord, RejectedRecord

LIMIT_S = 60.0  # of played time
TURNS = 20
GOOD, BAD = record(0, 7, 9.4), record(0, 8, 9.4)


class Scene:
    """A processor that fails as it is told, and what the answer makes of it."""

    def __init__(self, module: Any, errors: Sequence[BaseException] = ()) -> None:
        """``errors``: raised by the calls for ``BAD``, one after the other; then it is processed."""
        self._errors = list(errors)
        self.calls: list[RawRecord] = []
        self.letters: list[RejectedRecord] = []
        self.sleeps = 0
        self.letter_has_arrived = asyncio.Event()
        self.letter_has_arrived.set()
        self.refusal: Exception | None = None
        self.process = module.SafeProcessor(self._process, self._dead_letter, sleep=self._sleep)

    async def _process(self, given: RawRecord) -> None:
        self.calls.append(given)
        if given is BAD and self._errors:
            raise self._errors.pop(0)

    async def _dead_letter(self, rejected: RejectedRecord) -> None:
        self.letters.append(rejected)
        await self.letter_has_arrived.wait()
        if self.refusal is not None:
            raise self.refusal

    async def _sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await asyncio.sleep(seconds)

    async def processed(self, given: RawRecord) -> None:
        """Process a record, to its end."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await self.process(given)
        except TimeoutError:
            reject(
                "A record is processed over and over, though nothing is wrong any more.",
                expected="the processor returns",
                happened=f"{len(self.calls)} calls in {LIMIT_S:g} s",
                means="no other record of this partition is ever processed",
            )


@pytest.fixture
def module(answer: Answer) -> Any:
    return answer.load()


def test_a_good_record_is_processed_once(module: Any) -> None:
    async def play() -> None:
        scene = Scene(module)
        await scene.processed(GOOD)
        expect(
            (scene.calls, scene.letters) == ([GOOD], []),
            "A record with which nothing is wrong was not processed exactly once.",
            expected="one call of the processor, no dead letter",
            happened=f"{len(scene.calls)} calls, {len(scene.letters)} dead letters",
            means="good records get no scores, or several",
        )

    run(play())


def test_a_record_s_error_is_a_dead_letter_and_the_next_record_is_processed(module: Any) -> None:
    async def play() -> None:
        scene = Scene(module, [ValueError("alcohol is 200 %")])
        await scene.processed(BAD)
        await scene.processed(GOOD)
        letters = [each.record for each in scene.letters]
        expect(
            letters == [BAD],
            "A record's error did not make one dead letter of this record.",
            expected="one RejectedRecord, of record 8",
            happened=f"dead letters of records {[each.offset for each in letters]}",
            means="the record is acknowledged and gone, and nobody ever hears of it",
        )
        expect(
            scene.calls == [BAD, GOOD],
            "After a record's error, the records were not processed once each.",
            expected="calls for records 8 and 7",
            happened=f"calls for records {[each.offset for each in scene.calls]}",
            means="a record that can never be processed holds up all that come behind it",
        )

    run(play())


@pytest.mark.parametrize("error", [ValueError("alcohol is 200 %"), KeyError("alcohol"), ZeroDivisionError()], ids=repr)
def test_a_dead_letter_says_what_was_wrong(module: Any, error: Exception) -> None:
    async def play() -> None:
        scene = Scene(module, [error])
        await scene.processed(BAD)
        reason = scene.letters[0].reason
        expect(
            type(error).__name__ in reason and str(error) in reason,
            "The reason in a dead letter does not name the error's class and its text.",
            expected=f"{type(error).__name__} and {str(error)!r} in it",
            happened=reason,
            means="a person who finds the dead letter cannot tell what was wrong with the record",
        )

    run(play())


def test_a_transient_error_is_tried_again(module: Any) -> None:
    async def play() -> None:
        scene = Scene(module, [KafkaTimeoutError(), KafkaTimeoutError()])
        await scene.processed(BAD)
        expect(
            scene.letters == [],
            "A transient error made a dead letter.",
            expected="no dead letter: the broker was away for a moment",
            happened=f"a dead letter: {scene.letters[0].reason if scene.letters else ''}",
            means="each time a broker restarts, all records of that moment are thrown away",
        )
        expect(
            scene.calls == [BAD] * 3,
            "A record was given up after a transient error.",
            expected="3 calls: two fail, the third succeeds",
            happened=f"{len(scene.calls)} calls",
            means="the record is acknowledged and was never processed",
        )
        expect(
            scene.sleeps == 2,
            "After a transient error the record was tried again at once.",
            expected="2 sleeps, one before each retry",
            happened=f"{scene.sleeps} sleeps",
            means="the server asks a broker that is starting thousands of times per second",
        )

    run(play())


@pytest.mark.parametrize("end", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes_through(module: Any, end: type[BaseException]) -> None:
    scene = Scene(module, [end()])
    processing = scene.process(BAD)
    try:
        processing.send(None)  # by hand: an event loop would end at a KeyboardInterrupt itself
    except end:
        pass
    except StopIteration:
        reject(
            f"{end.__name__} was taken for an error of the record.",
            expected=f"{end.__name__} is raised on, and no dead letter is sent",
            happened=f"it was swallowed; {len(scene.letters)} dead letters",
            means="a server that is told to stop goes on, and throws a good record away",
        )
    finally:
        processing.close()


def test_a_dead_letter_has_arrived_when_the_record_is_done_with(module: Any) -> None:
    async def play() -> None:
        scene = Scene(module, [ValueError("alcohol is 200 %")])
        scene.letter_has_arrived.clear()
        processing = asyncio.ensure_future(scene.process(BAD))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        is_done = processing.done()
        processing.cancel()
        await asyncio.wait([processing])
        expect(
            not is_done,
            "The record was done with before the broker had its dead letter.",
            expected="self._dead_letter(...) is awaited",
            happened="the processor returned while the dead letter was in flight",
            means="the record is acknowledged; killed now, neither it nor its dead letter is anywhere",
        )

    run(play())


def test_an_error_of_the_dead_letter_passes_through(module: Any) -> None:
    async def play() -> None:
        scene = Scene(module, [ValueError("alcohol is 200 %")])
        scene.refusal = BrokerRefused("writing to models_dead_letters", "no right")
        try:
            await scene.processed(BAD)
        except BrokerRefused:
            return
        reject(
            "The dead letter was refused, and the record was done with all the same.",
            expected="BrokerRefused is raised",
            happened="the processor returned",
            means="the record is acknowledged, and neither processed nor a dead letter: it is lost",
        )

    run(play())
