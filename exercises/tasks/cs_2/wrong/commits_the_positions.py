# says: Offsets were committed of a batch that was never acknowledged.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    try:
        async with asyncio.timeout(REVOKE_TIMEOUT_S - 1):
            while not self._ledger.empty:
                self._drained.clear()
                await self._drained.wait()
    except TimeoutError:
        pass
    await self._consumer.commit()
