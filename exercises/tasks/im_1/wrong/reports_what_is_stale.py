# says: A stale batch was reported as finished.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
sent = None
if not batch.stale:
    sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    if sent is not None:
        await sent
        batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
