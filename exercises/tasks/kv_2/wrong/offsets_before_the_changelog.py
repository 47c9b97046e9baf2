# says: A batch was acknowledged before the changelog had its rows.
if batch.stale:
    return
self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    batch.acknowledge()
    await self._state.acknowledged()
    self._kernel.report.batch_finished(outcome)
