# says: The wait spins: the event is still set from an earlier batch.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    while not self._ledger.empty:
        await self._drained.wait()
    await self._commit()
