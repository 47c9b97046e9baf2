# says: The batch was acknowledged before the broker had its scores.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)
batch.acknowledge()

async def finish() -> None:
    await sent
    self._kernel.report.batch_finished(outcome)
