# says: With two batches in flight, the broker's answer for one was taken for the other's.
self._outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
self._batch, sent = batch, await self._kernel.sink.enqueue(self._outcome)

async def finish() -> None:
    await sent
    self._batch.acknowledge()
    self._kernel.report.batch_finished(self._outcome)
