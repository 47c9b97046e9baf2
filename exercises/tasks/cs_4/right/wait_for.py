try:
    values = await asyncio.wait_for(self._slow(features), timeout=self._deadline_s)
except asyncio.TimeoutError:
    self.too_late += len(features)
else:
    self.in_time += len(features)
    return TimelyScores(values, False)
