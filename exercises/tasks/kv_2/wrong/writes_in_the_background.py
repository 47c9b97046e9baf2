# says: The states were not yet written when the agent turned to the next batch.
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    if not batch.stale:
        self._state.write(batch, after)
    await sent
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
