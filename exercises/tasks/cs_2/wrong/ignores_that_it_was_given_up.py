# says: A member that the group gave up waits for its batches, or commits them.
self._may_fetch.clear()
self.generation += 1
while not self._ledger.empty:
    self._drained.clear()
    await self._drained.wait()
await self._commit()
