# says: The dead letter was refused, and the record was done with all the same.
try:
    await self._process(record)
    return
except Exception as error:
    failure = error
if not self._is_transient(failure):
    try:
        await self._dead_letter(RejectedRecord(record, f"{type(failure).__name__}: {failure}"))
    except Exception:
        pass
    return
