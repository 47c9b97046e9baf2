# says: The slow model was given up before its deadline.
try:
    async with asyncio.timeout(0.96 * self._deadline_s):
        values = await self._slow(features)
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
except TimeoutError:
    self.too_late += len(features)
