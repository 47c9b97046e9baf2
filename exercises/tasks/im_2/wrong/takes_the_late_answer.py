# says: A batch gets the late scores of another batch.
if self._at_work is None:
    self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
try:
    async with asyncio.timeout(self._deadline_s):
        values = await asyncio.wrap_future(self._at_work)
    self._at_work = None
    return TimelyScores(values, is_fallback=False)
except Exception:
    log.warning("fallback_used")
