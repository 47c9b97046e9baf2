import asyncio

if not batch.stale:
    self._state.write(batch, after)
    sent = await self._kernel.sink.enqueue(outcome)
else:
    return

async def finish() -> None:
    await asyncio.gather(self._state.acknowledged(), sent)
    self._kernel.report.batch_finished(outcome)
    batch.acknowledge()
