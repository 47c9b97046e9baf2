# says: A record is processed over and over, though nothing is wrong any more.
try:
    await self._process(record)
except Exception as error:
    if not self._is_transient(error):
        await self._dead_letter(RejectedRecord(record, f"{type(error).__name__}: {error}"))
        return
