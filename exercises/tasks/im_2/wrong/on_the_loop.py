# says: The event loop stands still while the slow model works.
async with asyncio.timeout(self._deadline_s):
    return TimelyScores(self._slow.score(features), is_fallback=False)
