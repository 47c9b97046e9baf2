# says: After the revocation, and before the next assignment, a batch was fetched.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    while not self._ledger.empty:
        self._drained.clear()
        await self._drained.wait()
    await self._commit()
self._may_fetch.set()
