asked = asyncio.create_task(self._slow(features))
try:
    done, _ = await asyncio.wait({asked}, timeout=self._deadline_s)
finally:
    asked.cancel()
if done:
    values = asked.result()
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
self.too_late += features.shape[0]
