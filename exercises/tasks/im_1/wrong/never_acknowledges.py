# says: A batch whose scores Kafka has was not acknowledged once.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    self._kernel.report.batch_finished(outcome)
