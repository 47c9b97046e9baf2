"""aiokafka's producer played, for unit tests of what is done with its answers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np

from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import Record, RejectedRecord, WineBatch

RECORD = Record("models_data", 0, 7, 0, b"id", b"")
WINES = WineBatch("wine", [RECORD], np.array([0]), np.zeros((1, 11), dtype=np.float32))
SCORED = BatchOutcome([RECORD], [ScoredWines(WINES, np.array([5.0]), "a model", 0.0, 0)], [], [])
REJECTED = BatchOutcome([RECORD], [], [RejectedRecord(RECORD, "bad")], [])


class Broker:
    """Its topics take what Kafka's take by default."""

    def __init__(self) -> None:
        self.max_message_bytes = {"models_scores": 1_048_588, "models_dead_letters": 1_048_588}


class Batch:
    """A produce batch that takes everything."""

    def append(self, **_message: object) -> object:
        return self


class Producer:
    """Its produce requests end as ``answer`` says; a ``TimeoutError`` stands for an answer that has not come yet."""

    def __init__(self, answer: BaseException | None = None) -> None:
        self.answer = answer
        self.sent: list[str] = []
        self.unanswered: list[asyncio.Future[object]] = []
        self.headers: list[Any] = []
        self.ended: list[str] = []
        self._message_accumulator = SimpleNamespace(fail_all=self._fail_all)

    create_batch = Batch

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    async def send_batch(self, _batch: Batch, topic: str, partition: int) -> asyncio.Future[object]:
        assert partition == 0
        return await self.send(topic)

    async def send(self, topic: str, *_message: object, headers: Any = None) -> asyncio.Future[object]:
        self.sent.append(topic)
        self.headers.append(headers)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.answer is None:
            future.set_result(None)
        elif isinstance(self.answer, TimeoutError):
            self.unanswered.append(future)
        else:
            future.set_exception(self.answer)
        return future

    async def stop(self) -> None:
        self.ended.append("stopped")

    def _fail_all(self, error: Exception) -> None:
        for future in self.unanswered:
            if not future.done():
                future.set_exception(error)


async def other_tasks_run() -> None:
    """As far as they can."""
    for _ in range(100):
        await asyncio.sleep(0)
