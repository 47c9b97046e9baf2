# says: The topic was deleted while a model waited to be loaded
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except _Recreated:
    return False
except ModelRejected as error:
    await self._reject(RejectedRecord(record, error.reason, descriptor.dataType), descriptor.name)
    return False
