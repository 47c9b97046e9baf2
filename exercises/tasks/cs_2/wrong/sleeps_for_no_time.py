# says: runs over and over, and never comes to an end.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    while not self._ledger.empty:
        await asyncio.sleep(0)
    await self._commit()
