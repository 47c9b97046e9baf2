# says: The rows of a stale batch were written.
self._state.write(batch, after)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
