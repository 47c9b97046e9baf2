# says: The fallback's scores are not marked.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time += len(features)
except TimeoutError:
    values = await self._fallback(features)
    self.too_late += len(features)
return TimelyScores(values, is_fallback=False)
