# says: The model is handed over with another descriptor
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except _Recreated:
    return True
except ModelRejected as error:
    await self._reject(RejectedRecord(record, error.reason, descriptor.dataType), descriptor.name)
    return False
kept = descriptor
