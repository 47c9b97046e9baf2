# says: The fallback was asked too late.
loop = asyncio.get_running_loop()
end_s = loop.time() + self._deadline_s
values = await self._slow(features)
if loop.time() <= end_s:
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
self.too_late += len(features)
