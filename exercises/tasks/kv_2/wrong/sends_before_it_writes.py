# says: The rows were written after a wait in which the partition was revoked.
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)
self._state.write(batch, after)

async def finish() -> None:
    await sent
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
