came_from = self._topic_id()
try:
    answer = await self._loaded_when_possible(record, descriptor)
except ModelRejected as refused:
    rejected = RejectedRecord(record, refused.reason, descriptor.dataType)
    await self._reject(rejected, descriptor.name)
    return False
except _Recreated:
    return True
else:
    loaded, kept = answer
    topic_id = came_from
