# says: The partition was handed over while a batch was in flight.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    if not self._ledger.empty:
        await self._drained.wait()
    await self._commit()
