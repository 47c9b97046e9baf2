# says: The slow model would have answered in time, and was not waited for.
try:
    async with asyncio.timeout(self._deadline_s / 1000):
        values = await self._slow(features)
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
except TimeoutError:
    self.too_late += len(features)
