# says: After the deadline the slow model goes on in the background.
asked = asyncio.ensure_future(self._slow(features))
done, _ = await asyncio.wait([asked], timeout=self._deadline_s)
if done:
    values = asked.result()
    self.in_time += len(features)
    return TimelyScores(values, is_fallback=False)
self.too_late += len(features)
