# says: The next batch must wait until the broker has acknowledged this one.
if batch.stale:
    return
self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)
await self._state.acknowledged()

async def finish() -> None:
    await sent
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
