# says: After a transient error the record was tried again at once.
try:
    await self._process(record)
    return
except Exception as error:
    if self._is_transient(error):
        continue
    failure = error
await self._dead_letter(RejectedRecord(record, f"{type(failure).__name__}: {failure}"))
return
