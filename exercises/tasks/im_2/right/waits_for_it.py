if self._at_work is not None and not self._at_work.done():
    return TimelyScores(await in_daemon_thread(self._fallback.score, features), is_fallback=True)
self._at_work = start_in_daemon_thread("slow", lambda: self._slow.score(features))
mine = asyncio.wrap_future(self._at_work)
done, _ = await asyncio.wait([mine], timeout=self._deadline_s)
if done and mine.exception() is None:
    return TimelyScores(mine.result(), is_fallback=False)
if not done:
    mine.cancel()
