# says: A model that this machine could not load at first is not loaded later.
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded(record, descriptor)
except (ModelRejected, LocalFailure) as error:
    await self._reject(RejectedRecord(record, error.reason, descriptor.dataType), descriptor.name)
    return False
