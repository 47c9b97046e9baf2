# says: After a record's error, the records were not processed once each.
try:
    await self._process(record)
    return
except Exception as error:
    if not self._is_transient(error):
        await self._dead_letter(RejectedRecord(record, f"{type(error).__name__}: {error}"))
