# says: The model worked on the event loop's own thread.
outcome = self._state.score_batch(batch.records)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
