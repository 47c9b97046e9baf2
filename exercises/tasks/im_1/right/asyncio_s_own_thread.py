import asyncio

outcome = await asyncio.to_thread(self._state.score_batch, batch.records)
if not batch.stale:
    sent = asyncio.ensure_future(await self._kernel.sink.enqueue(outcome))
else:
    return

async def finish() -> None:
    await asyncio.gather(sent)
    self._kernel.report.batch_finished(outcome)
    batch.acknowledge()
