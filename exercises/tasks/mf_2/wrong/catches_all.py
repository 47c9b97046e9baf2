# says: The topic was deleted while a model waited to be loaded
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except Exception as error:
    reason = getattr(error, "reason", str(error))
    await self._reject(RejectedRecord(record, reason, descriptor.dataType), descriptor.name)
    return False
