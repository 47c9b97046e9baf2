# says: A model that cannot serve is not refused
topic_id = self._topic_id()
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except _Recreated:
    return True
except ModelRejected:
    log.warning("model_rejected", model=descriptor.name)
    return False
