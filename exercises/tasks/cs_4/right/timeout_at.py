values = None
try:
    async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._deadline_s) as deadline:
        values = await self._slow(features)
except TimeoutError:
    if not deadline.expired():
        raise
if values is not None:
    self.in_time = self.in_time + len(features)
    return TimelyScores(values=values, is_fallback=False)
self.too_late = self.too_late + len(features)
