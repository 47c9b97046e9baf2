if batch.stale:
    return
kernel, state = self._kernel, self._state
state.write(batch, after)
delivery = await kernel.sink.enqueue(outcome)

async def finish() -> None:
    for wait in (state.acknowledged(), delivery):
        await wait
    batch.acknowledge()
    kernel.report.batch_finished(outcome)
