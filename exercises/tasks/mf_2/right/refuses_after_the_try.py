topic_id = self._topic_id()
refused = None
try:
    loaded, kept = await self._loaded_when_possible(record, descriptor)
except (_Recreated, ModelRejected) as error:
    refused = error
if isinstance(refused, _Recreated):
    return True
if refused is not None:
    letter = RejectedRecord(record, refused.reason, descriptor.dataType)
    await self._reject(letter, descriptor.name)
    return False
