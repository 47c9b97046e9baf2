# says: It waits longer than the deadline.
if self._at_work is None or self._at_work.done():
    self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
    try:
        return TimelyScores(await asyncio.wrap_future(self._at_work), is_fallback=False)
    except Exception:
        log.warning("fallback_used")
