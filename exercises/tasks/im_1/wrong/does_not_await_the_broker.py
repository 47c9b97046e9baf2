# says: The batch was acknowledged before the broker had its scores.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return

await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
