# says: A model has the id of a topic that it did not come from.
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except _Recreated:
    return True
except ModelRejected as error:
    await self._reject(RejectedRecord(record, error.reason, descriptor.dataType), descriptor.name)
    return False
topic_id = self._topic_id()
