# says: ModelRejected in your code
topic_id = self._topic_id()
loaded, kept = await self._loaded_when_possible(record, descriptor)
