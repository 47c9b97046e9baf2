# says: A batch of a fetch that was under way was left in flight.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    if not self._ledger.empty:
        self._drained.clear()
        await self._drained.wait()
    await self._commit()
