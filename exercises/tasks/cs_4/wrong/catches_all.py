# says: An error of the slow model is hidden.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
except Exception:
    self.too_late += len(features)
