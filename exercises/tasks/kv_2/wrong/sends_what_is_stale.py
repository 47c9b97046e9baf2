# says: A stale batch's scores were sent.
if not batch.stale:
    self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    await self._state.acknowledged()
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
