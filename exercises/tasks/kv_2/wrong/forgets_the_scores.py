# says: A batch was acknowledged before the broker had its scores.
if batch.stale:
    return
self._state.write(batch, after)
await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
