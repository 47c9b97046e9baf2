topic_id = self._topic_id()
while True:
    try:
        loaded, kept = await self._loaded(record, descriptor)
        break
    except LocalFailure:
        await asyncio.sleep(POSTPONED_S)
    except ModelRejected as error:
        await self._reject(RejectedRecord(record, error.reason, data_type=descriptor.dataType), error.name)
        return False
    if self._recreated:
        return True
