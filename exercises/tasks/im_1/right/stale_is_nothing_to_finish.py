outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    async def finish() -> None:
        """It is read again."""
else:
    sent = await self._kernel.sink.enqueue(outcome)

    async def finish() -> None:
        await sent
        if not batch.stale:
            batch.acknowledge()
        self._kernel.report.batch_finished(outcome)
