# says: The refusal does not have the reason, the data type and the name of the model.
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except _Recreated:
    return True
except ModelRejected as error:
    await self._reject(RejectedRecord(record, str(error), descriptor.dataType), descriptor.name)
    return False
