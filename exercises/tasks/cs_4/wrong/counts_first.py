# says: A batch that has no scores was counted.
self.in_time += len(features)
try:
    return TimelyScores(await asyncio.wait_for(self._slow(features), self._deadline_s), is_fallback=False)
except TimeoutError:
    self.in_time -= len(features)
    self.too_late += len(features)
