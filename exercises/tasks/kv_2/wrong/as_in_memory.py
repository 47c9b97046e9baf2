# says: The states after the batch were not written once.
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
