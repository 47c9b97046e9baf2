# says: Batches that were read ahead still count as ours during the revocation.
self._may_fetch.clear()
if not self._was_given_up:
    while not self._ledger.empty:
        self._drained.clear()
        await self._drained.wait()
    await self._commit()
self.generation += 1
