# says: The error with which the broker refused the scores was swallowed.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    try:
        await sent
    except Exception:
        return
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
