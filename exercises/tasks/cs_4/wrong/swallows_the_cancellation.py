# says: A cancelled caller gets an answer all the same.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
except (TimeoutError, asyncio.CancelledError):
    self.too_late += len(features)
