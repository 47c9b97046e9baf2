is_busy = bool(self._at_work) and self._at_work.running()
if not is_busy:
    thread = self._at_work = start_in_daemon_thread("slow", partial(self._slow.score, features))
    loop, finished = asyncio.get_running_loop(), asyncio.Event()

    def finish(_: Future[Values]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(finished.set)

    thread.add_done_callback(finish)
    try:
        await asyncio.wait_for(finished.wait(), self._deadline_s)
    except TimeoutError:
        log.warning("too_late")
    else:
        error = thread.exception()
        if error is None:
            return TimelyScores(values=thread.result(), is_fallback=False)
        log.warning("failed", reason=str(error))
