"""Errors inside a processor, without stopping: what cannot be processed is a dead letter, and the next record follows.

Around what an agent does with each record; ``Sink.dead_letter`` in ``serving/kafka/sink.py`` fits as it is::

    process = SafeProcessor(look_up_and_score, kernel.sink.dead_letter)

    async def agent(stream):
        async for batch in stream.noack():
            for record in batch.records:
                await process(record)
            batch.acknowledge()

What faust does with an error in an agent is neither: it acknowledges the record, so that nobody ever sees it again, and
starts the agent again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from serving.kafka.clients import RETRY_S, is_transient
from serving.scoring.records import RawRecord, RejectedRecord


class SafeProcessor:
    """Processes records, each to an end: it is processed, or it is a dead letter."""

    def __init__(
        self,
        process: Callable[[RawRecord], Awaitable[None]],
        dead_letter: Callable[[RejectedRecord], Awaitable[None]],
        is_transient: Callable[[Exception], bool] = is_transient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is done yet.

        Args:
            process: may be called again for a record with which it has failed.
            dead_letter: returns when the broker has the letter.
            is_transient: whether a retry may succeed: then nothing is wrong with the record.
        """
        self._process = process
        self._dead_letter = dead_letter
        self._is_transient = is_transient
        self._sleep = sleep

    async def __call__(self, record: RawRecord) -> None:
        """Process a record, again as long as the error is transient; any other error of it is a dead letter.

        Raises:
            Exception: what ``dead_letter`` raises: this record has no end yet, and must not be acknowledged.
        """
        while True:
            # exercise[im-4]: return when the record is processed, or its dead letter sent; go on below to try again
            try:
                await self._process(record)
                return
            except Exception as error:  # noqa: BLE001 - what a processor raises is not known here
                failure = error
            if not self._is_transient(failure):
                await self._dead_letter(RejectedRecord(record, f"{type(failure).__name__}: {failure}"))
                return
            # end[im-4]
            await self._sleep(RETRY_S)
