# says: A stale batch's scores were sent.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await sent
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
