# says: The revocation goes on although nothing is in flight any more.
self._may_fetch.clear()
self.generation += 1
if not self._was_given_up:
    await asyncio.sleep(REVOKE_TIMEOUT_S - 0.5)
    await self._commit()
