# says: A batch that was finished during the revocation was not committed.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    await self._commit()
    while not self._ledger.empty:
        self._drained.clear()
        await self._drained.wait()
