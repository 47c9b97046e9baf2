self.generation += 1
self._may_fetch.clear()
if self._was_given_up:
    return
while True:
    if self._ledger.empty:
        break
    self._drained.clear()
    await self._drained.wait()
await self._commit()
