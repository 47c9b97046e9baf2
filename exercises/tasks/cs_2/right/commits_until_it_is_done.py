async def drained():
    while not self._ledger.empty:
        self._drained.clear()
        await self._drained.wait()

self._may_fetch.clear()
self.generation = self.generation + 1
if not self._was_given_up:
    await drained()
    while not await self._commit():
        await asyncio.sleep(RETRY_S)
