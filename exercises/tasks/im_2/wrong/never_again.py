# says: After one late answer the slow model is never used again.
if not hasattr(self, "is_late"):
    self.is_late = False
if not self.is_late:
    self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
    try:
        async with asyncio.timeout(self._deadline_s):
            return TimelyScores(await asyncio.wrap_future(self._at_work), is_fallback=False)
    except Exception:
        self.is_late = True
