# says: A late answer of the slow model was counted, too.
def count(done):
    self.in_time += len(features)

asked = asyncio.ensure_future(self._slow(features))
asked.add_done_callback(count)
done, _ = await asyncio.wait([asked], timeout=self._deadline_s)
if done:
    await asyncio.sleep(0)
    return TimelyScores(asked.result(), is_fallback=False)
self.too_late += len(features)
