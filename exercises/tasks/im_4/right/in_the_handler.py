try:
    await self._process(record)
except Exception as error:
    if not self._is_transient(error):
        reason = repr(error)
        await self._dead_letter(RejectedRecord(record, reason))
        return
else:
    return
