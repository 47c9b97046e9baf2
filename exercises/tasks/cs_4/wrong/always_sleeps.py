# says: The answer was there, but was not returned at once.
asked = asyncio.ensure_future(self._slow(features))
await asyncio.sleep(self._deadline_s)
if asked.done():
    self.in_time += len(features)
    return TimelyScores(asked.result(), is_fallback=False)
asked.cancel()
self.too_late += len(features)
