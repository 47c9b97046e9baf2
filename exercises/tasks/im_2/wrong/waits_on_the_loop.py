# says: The event loop stands still while the slow model works.
if self._at_work is None or self._at_work.done():
    self._at_work = start_in_daemon_thread("slow-model", partial(self._slow.score, features))
    try:
        return TimelyScores(self._at_work.result(timeout=self._deadline_s), is_fallback=False)
    except Exception:
        pass
