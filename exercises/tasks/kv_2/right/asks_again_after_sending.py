if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)
if batch.stale:
    return
self._state.write(batch, after)

async def finish() -> None:
    await sent
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
