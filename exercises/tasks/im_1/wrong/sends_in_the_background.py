# says: The agent turned to the next batch before the producer had taken this one.
outcome = await self.application.in_thread(self._state.score_batch, batch.records)
if batch.stale:
    return

async def finish() -> None:
    await (await self._kernel.sink.enqueue(outcome))
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
