# says: The error with which the broker refused the rows was swallowed.
if batch.stale:
    return
self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    try:
        await sent
        await self._state.acknowledged()
    except Exception:
        return
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
