# says: A batch was acknowledged whose rows the broker has refused.
import asyncio

if batch.stale:
    return
self._state.write(batch, after)
sent = await self._kernel.sink.enqueue(outcome)

async def finish() -> None:
    await asyncio.gather(sent, self._state.acknowledged(), return_exceptions=True)
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
