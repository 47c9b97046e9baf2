# says: A batch whose slow model is late does not get the fallback's scores.
if self._at_work is None or self._at_work.done():
    self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
    try:
        async with asyncio.timeout(self._deadline_s):
            return TimelyScores(await asyncio.wrap_future(self._at_work), is_fallback=False)
    except Exception:
        return TimelyScores(await in_daemon_thread(self._fallback.score, features), is_fallback=False)
