# says: The next batch must wait until the broker has acknowledged this one.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
await (await self._kernel.sink.enqueue(outcome))

async def finish() -> None:
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
