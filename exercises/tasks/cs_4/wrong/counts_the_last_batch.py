# says: The counters do not count on with a second batch.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time = len(features)
    return TimelyScores(values, is_fallback=False)
except TimeoutError:
    self.too_late = len(features)
