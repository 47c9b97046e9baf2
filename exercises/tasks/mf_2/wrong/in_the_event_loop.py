# says: Nothing else happens while a model loads.
topic_id = self._topic_id()
try:
    loaded, kept = self._loading.load(descriptor, announced_sha256(record.headers))
except ModelRejected as error:
    await self._reject(RejectedRecord(record, error.reason, descriptor.dataType), descriptor.name)
    return False
