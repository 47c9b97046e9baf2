# says: A transient error made a dead letter.
try:
    await self._process(record)
except Exception as error:
    await self._dead_letter(RejectedRecord(record, f"{type(error).__name__}: {error}"))
return
