# says: A start at the beginning does not begin with the first model of the topic.
self._consumer.assign([self._partition])
await self._consumer.seek_to_end(self._partition)
