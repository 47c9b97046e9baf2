"""Grades cs-1: the stage's demand."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from custom_stage.settings import StageSettings
from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.time import others_run, run
from exercises.played.wines import record
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.records import Record

LIMIT_S = 60.0  # of played time
SLOTS = 2
NOTHING: Sequence[Record] = []
A, B, C, D, E = ([record(0, offset, 9.4)] for offset in range(5))


class Surroundings:
    """Source, overflow and delivery of one engine: batches to fetch, and acknowledgements that the scene gives."""

    def __init__(self, fetches: Sequence[Sequence[Record]], acknowledges: bool) -> None:
        self.stop = asyncio.Event()
        self.fetches = list(fetches)
        self.not_ours: Sequence[Record] = NOTHING  # of this batch ``begin`` says so
        self.begins_slowly: Sequence[Record] = NOTHING
        self.in_flight: list[Sequence[Record]] = []  # fetched, and not acknowledged
        self.fetched = self.fetched_after_stop = self.most_in_flight = 0
        self.began: list[Sequence[Record]] = []
        self.sent: list[Sequence[Record]] = []
        self.all_fetched = asyncio.Event()
        self.stop_at_fetch: int | None = None
        self._acknowledges = acknowledges
        self._waiting: list[tuple[Sequence[Record], asyncio.Future[bool]]] = []

    async def next(self) -> Sequence[Record]:
        """Of the overflow; without records it waits as long as the real one."""
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight) + 1)
        self.fetched_after_stop += self.stop.is_set()
        self.fetched += 1
        if self.fetched == self.stop_at_fetch:
            self.stop.set()
        records = self.fetches.pop(0) if self.fetches else NOTHING
        if not self.fetches:
            self.all_fetched.set()
        if records:
            self.in_flight.append(records)
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.2)
        return records

    async def begin(self, records: Sequence[Record]) -> bool:
        """Of the delivery."""
        if not records:  # two of the three modes take no notice
            return True
        if records is self.begins_slowly:
            await asyncio.sleep(1.0)
        if records is self.not_ours:
            self.in_flight.remove(records)
            return False
        self.began.append(records)
        return True

    async def send(self, outcome: BatchOutcome) -> Awaitable[bool]:
        """Of the delivery."""
        records: Any = outcome.records
        expect(
            bool(records),
            "A fetch that brought nothing is scored as a batch.",
            expected="without records there is nothing to push, and the slot is given back",
            happened="self._push(self._data, [])",
            means="five times a second an empty batch takes a slot, and goes all the way to the sink",
        )
        self.sent.append(records)
        acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, acknowledged))
        if self._acknowledges:
            self.acknowledge()
        return acknowledged

    def acknowledge(self) -> None:
        """All that was sent, and all that will be."""
        self._acknowledges = True
        for records, acknowledged in self._waiting:
            if records in self.in_flight:
                self.in_flight.remove(records)
            acknowledged.set_result(True)
        self._waiting = []

    async def forever(self) -> None:
        """What runs concurrently with the loop."""
        await asyncio.Event().wait()

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return self._nothing

    async def _nothing(self) -> None:
        return None


class SameThread:
    """In place of the scoring thread."""

    def schedule(self, action: Callable[[object], object]) -> None:
        """Of the scheduler."""
        action(self)

    def dispose(self) -> None:
        """Of the scheduler."""


Scene = Callable[[Surroundings, "asyncio.Task[None]"], Awaitable[None]]
Play = Callable[..., Surroundings]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs an engine with these batches to fetch, and a scene beside it that ends with its stop."""
    module: Any = answer.load()
    module.EventLoopScheduler = SameThread

    async def played(scene: Scene, surroundings: Surroundings) -> Surroundings:
        running = asyncio.create_task(engine(module, surroundings).run())
        await others_run()
        await scene(surroundings, running)
        surroundings.stop.set()
        surroundings.acknowledge()
        await others_run()
        await ended(running)
        return surroundings

    def start(fetches: Sequence[Sequence[Record]], scene: Scene, *, acknowledges: bool = True, **more: Any) -> Any:
        surroundings = Surroundings(fetches, acknowledges)
        vars(surroundings).update(more)
        return run(played(scene, surroundings))

    return start


def engine(module: Any, surroundings: Surroundings) -> Any:
    """The answer's engine among these surroundings."""
    source = SimpleNamespace(
        start=surroundings.start, commit_acknowledged=surroundings.forever, lag=lambda: 0, close=surroundings.close
    )
    overflow = SimpleNamespace(run=surroundings.forever, next=surroundings.next)
    module.Source = lambda *_: source
    module.make_overflow = lambda *_: overflow
    module.make_delivery = lambda *_: surroundings
    report = SimpleNamespace(
        metrics=SimpleNamespace(lag=SimpleNamespace(set=lambda _: None)), batch_finished=lambda _: None
    )
    settings = StageSettings.read("a server", ["--max-in-flight", str(SLOTS)])
    kernel = SimpleNamespace(settings=settings, group="", broker=None, report=report, stop=surroundings.stop)
    return module.Engine(kernel)


async def ended(running: "asyncio.Task[None]") -> None:
    """The loop ends within a minute of played time."""
    _, still_running = await asyncio.wait([running], timeout=LIMIT_S)
    running.cancel()
    expect(
        not still_running,
        "The loop does not end after the stop.",
        expected="Engine.run returns when what is in flight is finished",
        happened="a minute later it still runs, with everything acknowledged",
        means="Kubernetes kills the server after its grace period, in the middle of a batch",
    )
    await running


async def until(running: "asyncio.Task[None]", holds: Callable[[], bool]) -> None:
    """Until it holds, or for a minute of played time; an error of the answer is raised here."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + LIMIT_S
    while not holds() and loop.time() < end_s:
        await others_run()
        await asyncio.sleep(0.2)
        if running.done():
            await running


def names(batches: Sequence[Sequence[Record]]) -> str:
    return " ".join("ABCDE"[batch[0].offset] for batch in batches) or "none"


def test_a_batch_is_fetched_and_scored(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: bool(played.sent) or running.done())
        if running.done():
            await running  # an error says more
        expect(
            not running.done() or bool(played.sent),
            "The loop ends before the first batch.",
            expected="it goes on until self._kernel.stop is set",
            happened=f"it ended after {played.fetched} fetches, and nothing was scored",
            means="the server starts, says that it is ready, and scores nothing",
        )
        expect(
            bool(played.sent),
            "A batch was fetched, but it is not scored." if played.fetched else "Nothing is ever fetched.",
            expected="batch A goes through self._push(self._data, records)",
            happened="after a minute the delivery has been handed nothing",
            means="the lag grows, and no score comes out",
        )

    play([A], scene)


def test_a_batch_begins_before_it_is_scored(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: bool(played.sent))
        expect(
            played.began == played.sent,
            "A batch was scored that the delivery mode has not begun.",
            expected="self._delivery.begin(records) is awaited before the push, once for each batch",
            happened=f"begun: {names(played.began)}; scored: {names(played.sent)}",
            means="at-most-once commits in begin: without it, a record is scored twice after a crash",
        )

    play([A], scene)


def test_no_batch_is_fetched_without_a_slot(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= SLOTS)
        await others_run()
        expect(
            played.most_in_flight <= SLOTS,
            "A batch was fetched although every slot was taken.",
            expected=f"{SLOTS} slots: while A and B are not acknowledged, C stays in Kafka",
            happened=f"{played.most_in_flight} batches in flight",
            means="Kafka's sink is slow, and memory fills with batches until the process is killed",
        )

    play([A, B, C, D, E], scene, acknowledges=False)


def test_every_slot_is_used(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= SLOTS)
        expect(
            played.sent == [A, B],
            "The second slot stays empty while the first batch waits for its acknowledgement.",
            expected="A and B are in flight, neither is acknowledged",
            happened=f"in flight: {names(played.in_flight)}",
            means="nothing is scored while a batch is sent: half the throughput",
        )

    play([A, B, C], scene, acknowledges=False)


def test_the_next_batch_is_fetched_when_a_slot_is_free_again(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= SLOTS)
        played.acknowledge()
        await until(running, lambda: len(played.sent) == 5)
        expect(
            played.sent == [A, B, C, D, E],
            "After two acknowledgements the next batches are not scored, or in another order.",
            expected="A B C D E",
            happened=names(played.sent),
            means="every restart scores two batches, and then the server stands still",
        )

    play([A, B, C, D, E], scene, acknowledges=False)


def test_a_slot_is_given_back_when_nothing_came(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: bool(played.sent))
        expect(
            played.sent == [A],
            "A fetch that brought nothing has kept its slot.",
            expected="three fetches without records, and then batch A is scored",
            happened=f"{played.fetched} fetches, and then none any more",
            means="after half a second without records the server never reads again, and logs nothing",
        )

    play([NOTHING, NOTHING, NOTHING, A], scene)


def test_only_one_slot_is_given_back_when_nothing_came(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= SLOTS)
        await others_run()
        expect(
            played.most_in_flight <= SLOTS,
            "A fetch that brought nothing has given back more slots than it had taken.",
            expected=f"after two such fetches {SLOTS} batches in flight, as before",
            happened=f"{played.most_in_flight} batches in flight",
            means="each quiet second raises the bound: by the next rush there is none",
        )

    play([NOTHING, NOTHING, A, B, C, D, E], scene, acknowledges=False)


def test_a_batch_that_could_not_begin_is_not_scored(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: B in played.sent)
        expect(
            A not in played.sent,
            "A batch was scored although begin said that it is another instance's.",
            expected="begin gives False for A: only B is scored",
            happened=f"scored: {names(played.sent)}",
            means="two instances score the same records, and at-most-once is none",
        )

    play([A, B], scene, not_ours=A)


def test_a_batch_that_could_not_begin_gives_its_slot_back(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= SLOTS)
        await others_run()
        expect(
            names(played.sent) == "B C",
            "A batch that could not begin has kept its slot.",
            expected=f"A could not begin; B and C have the {SLOTS} slots",
            happened=f"scored: {names(played.sent)}",
            means="each rebalance costs a slot, and the last one stops the server",
        )

    play([A, B, C], scene, not_ours=A, acknowledges=False)


def test_batches_are_pushed_in_the_order_of_their_fetches(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: len(played.sent) >= 3)
        expect(
            played.sent == [A, B, C],
            "A batch that begins slowly is overtaken by the next one.",
            expected="A B C, also where begin takes a second for A",
            happened=names(played.sent),
            means="the scores of a partition are in another order than its records",
        )

    play([A, B, C], scene, begins_slowly=A)


def test_the_stop_is_noticed(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, lambda: running.done() or played.fetched_after_stop > 1)
        expect(
            played.fetched_after_stop <= 1,
            "Batches are fetched after the stop.",
            expected="self._kernel.stop is set during the third fetch: one more at most",
            happened=f"{played.fetched_after_stop} more fetches, and no end",
            means="SIGTERM does nothing, and after its grace period the server is killed",
        )

    play([A, B] + 50 * [C, D], scene, stop_at_fetch=3)


def test_a_batch_that_was_fetched_at_the_stop_is_finished(play: Play) -> None:
    async def scene(played: Surroundings, running: "asyncio.Task[None]") -> None:
        await until(running, running.done)
        expect(
            not played.in_flight,
            "A batch that was in flight at the stop was left unfinished.",
            expected="the stop comes while B is fetched: A and B are scored and acknowledged",
            happened=f"left in flight: {names(played.in_flight)}",
            means="the end waits 5 s for it in vain, and another instance scores it again, or at-most-once loses it",
        )

    play([A, B], scene, stop_at_fetch=2)
