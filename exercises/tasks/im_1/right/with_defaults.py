outcome = await self.application.in_thread(lambda: self._state.score_batch(batch.records))
delivered = None if batch.stale else await self._kernel.sink.enqueue(outcome)

async def finish(batch=batch, outcome=outcome, delivered=delivered) -> None:
    if delivered is None:
        return
    try:
        await delivered
    except Exception as error:
        print("not delivered:", error)
        raise
    batch.acknowledge()
    self._kernel.report.batch_finished(outcome)
