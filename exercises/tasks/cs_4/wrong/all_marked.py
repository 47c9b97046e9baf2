# says: The slow model's scores are marked as the fallback's.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=True)
except TimeoutError:
    self.too_late += len(features)
