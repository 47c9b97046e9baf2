# says: A second thread is started while the first one is still at work.
try:
    async with asyncio.timeout(self._deadline_s):
        return TimelyScores(await in_daemon_thread(self._slow.score, features), is_fallback=False)
except Exception:
    log.warning("fallback_used")
