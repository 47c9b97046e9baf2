"""What graders play a streams server's surroundings with; its engine, its application and its batches are real ones.

Batches come from a ``PlayedConsumer``, outcomes go to a ``PlayedSink``, and a grader says when the broker acknowledges.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from inspect import CORO_CREATED, getcoroutinestate
from types import SimpleNamespace
from typing import Any, cast

from exercises.grading import expect, reject
from exercises.played.wines import record
from protobufs.kept_state_pb2 import KeptModel
from serving.kernel import Kernel
from serving.scoring.kept_state import without_data
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.records import RawRecord
from serving.settings.server import Settings
from serving.streams.batches import Batch

LIMIT_S = 3.0
TURNS = 20
"""Of the event loop: enough for all that can happen without anything from outside."""


class PlayedConsumer:
    """Knows the epoch, and which batches were acknowledged."""

    def __init__(self) -> None:
        self.epoch = 1
        self.acknowledged: list[Batch] = []

    def revoke(self) -> None:
        """Take the partitions away: batches of before are stale."""
        self.epoch += 1

    def batch(self, records: Sequence[RawRecord]) -> Batch:
        """What one fetch has brought of one partition."""
        message = SimpleNamespace(value=records, partition=records[0].partition)
        batch = Batch(SimpleNamespace(consumer=self), message)
        message.ack = lambda _: self.acknowledged.append(batch)
        return batch


class PlayedSink:
    """Takes outcomes; the broker says nothing of them before it is told to, or at once."""

    def __init__(self) -> None:
        self.outcomes: list[BatchOutcome] = []
        self.answers_at_once = False
        self.has_room = asyncio.Event()  # in the producer's buffer
        self.has_room.set()
        self.asked = asyncio.Event()
        self._answers: list[asyncio.Future[None]] = []
        self._waiting: list[Coroutine[Any, Any, None]] = []

    async def enqueue(self, outcome: BatchOutcome) -> Awaitable[None]:
        """See ``Sink``."""
        self.asked.set()
        await self.has_room.wait()
        self.outcomes.append(outcome)
        self._answers.append(asyncio.get_running_loop().create_future())
        if self.answers_at_once:
            self.acknowledge(len(self._answers) - 1)
        self._waiting.append(_answered(self._answers[-1]))
        return self._waiting[-1]

    def acknowledge(self, number: int) -> None:
        """The broker has the outcome with this number."""
        self._answers[number].set_result(None)

    def refuse(self, number: int, error: Exception) -> None:
        """The broker will never take it."""
        self._answers[number].set_exception(error)

    def close(self) -> None:
        """Nobody waits any more."""
        for answer, waiting in zip(self._answers, self._waiting, strict=True):
            if getcoroutinestate(waiting) == CORO_CREATED:
                waiting.close()  # nobody awaits it: asyncio would complain
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen: likewise


class Stage:
    """A streams server's engine at work; ``asyncio`` must be running."""

    def __init__(self, engine: Callable[[Kernel], Any]) -> None:
        self.consumer = PlayedConsumer()
        self.sink = PlayedSink()
        self.reported: list[BatchOutcome] = []
        self.crashes: list[BaseException] = []
        flags: dict[str, Any] = {"max_in_flight": 3}
        report: Any = SimpleNamespace(batch_finished=self.reported.append)
        self._kernel = Kernel("streams", 8888, Settings(**flags), cast(Any, self.sink), cast(Any, None), report)
        self.engine = engine(self._kernel)
        self.engine.application._app = SimpleNamespace(crash=self._crash)

    def batch(self, offset: int, *alcohol: float) -> Batch:
        """Wines of partition 0, from this offset on."""
        return self.consumer.batch([record(0, offset + number, each) for number, each in enumerate(alcohol)])

    def scoring(self, batch: Batch) -> "asyncio.Task[None]":
        """The agent's work on a batch; when it returns, the agent turns to the next batch."""
        return asyncio.ensure_future(self.engine._score_batch(batch))

    async def happened(self, event: Awaitable[object], sentence: str, expected: str, means: str) -> None:
        """Wait for it; reject the answer if it does not happen. What fails in the background is raised here."""
        try:
            async with asyncio.timeout(LIMIT_S):
                await event
        except TimeoutError:
            reject(sentence, expected=expected, happened=f"nothing for {LIMIT_S:g} s", means=means)
        await self.turns()

    async def turns(self) -> None:
        """Let all happen that can."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def raise_crash(self) -> None:
        """What has failed in the background is raised here."""
        if self.crashes:
            raise self.crashes[0]

    @property
    def acknowledged(self) -> list[int]:
        """The first offset of each batch that is acknowledged."""
        return [batch.records[0].offset for batch in self.consumer.acknowledged]

    def close(self) -> None:
        """End what the engine has begun."""
        self.sink.close()
        self.engine.application._thread.close()

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)


class PlayedRows(dict[bytes, bytes]):
    """A table as faust's: what is written is read back at once; ``sent`` is what goes to the changelog."""

    def __init__(self, *rows: Any) -> None:
        super().__init__(*rows)
        self.sent: list[tuple[bytes, bytes]] = []

    def __setitem__(self, row: bytes, value: bytes) -> None:
        kinds = (type(row).__name__, type(value).__name__)
        expect(
            kinds == ("bytes", "bytes"),
            "A row was written that is not bytes by bytes.",
            expected="a key of bytes, and a value of bytes",
            happened=f"a key of type {kinds[0]}, and a value of type {kinds[1]}",
            means="the changelog cannot take it, or nobody can make a state of it again",
        )
        super().__setitem__(row, value)
        self.sent.append((row, value))

    def update(self, *args: Any, **more: Any) -> None:
        """Each row is written, as faust's tables do it."""
        for row, value in dict(*args, **more).items():
            self[row] = value


@dataclass
class PlayedModels:
    """A table of models as ``ModelTable``; what is put is in its changelog at once."""

    rows: dict[str, KeptModel] = field(default_factory=dict)

    async def catch_up(self) -> None:
        """It has all of its changelog."""

    def data_types(self) -> list[str]:
        """See ``ModelTable``."""
        return sorted(self.rows)

    def newest(self, data_type: str) -> KeptModel | None:
        """See ``ModelTable``."""
        return without_data(self.rows[data_type]) if data_type in self.rows else None

    def model(self, data_type: str) -> KeptModel:
        """See ``ModelTable``."""
        return self.rows[data_type]

    def put(self, model: KeptModel) -> None:
        """See ``ModelTable``."""
        self.rows[model.descriptor.dataType] = model

    def has_written(self, data_type: str) -> bool:
        """See ``ModelTable``."""
        return data_type in self.rows


def scored_values(outcomes: Sequence[BatchOutcome]) -> list[list[float]]:
    """The scores in each outcome."""
    return [[value for scored in outcome.scored for value in scored.values.tolist()] for outcome in outcomes]


def first_offsets(outcomes: Sequence[BatchOutcome]) -> list[int]:
    """The first record's offset in each outcome."""
    return [outcome.records[0].offset for outcome in outcomes]


def on_stage(engine: Callable[[Kernel], Any], play: Callable[[Stage], Awaitable[None]]) -> None:
    """Play once, on a stage of its own."""

    async def playing() -> None:
        stage = Stage(engine)
        try:
            await play(stage)
        finally:
            stage.close()

    asyncio.run(playing())


async def _answered(answer: "asyncio.Future[None]") -> None:
    await answer
