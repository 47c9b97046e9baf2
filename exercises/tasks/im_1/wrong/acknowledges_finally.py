# says: A batch was acknowledged whose scores the broker has refused.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    try:
        await sent
        self._kernel.report.batch_finished(outcome)
    finally:
        batch.acknowledge()
