# says: The counters do not show who scored the records.
try:
    async with asyncio.timeout(self._deadline_s):
        values = await self._slow(features)
    self.in_time += 1
    return TimelyScores(values, is_fallback=False)
except TimeoutError:
    self.too_late += 1
