# says: A batch was reported before the changelog had its rows.
if batch.stale:
    return
self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    self._kernel.report.batch_finished(outcome)
    await self._state.acknowledged()
    batch.acknowledge()
