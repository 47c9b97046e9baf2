# says: The caller was cancelled, and the slow model goes on without it.
asked = asyncio.ensure_future(self._slow(features))
done, _ = await asyncio.wait([asked], timeout=self._deadline_s)
if done:
    values = asked.result()
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
asked.cancel()
self.too_late += len(features)
