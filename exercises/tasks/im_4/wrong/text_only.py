# says: The reason in a dead letter does not name the error's class and its text.
try:
    await self._process(record)
    return
except Exception as error:
    failure = error
if not self._is_transient(failure):
    await self._dead_letter(RejectedRecord(record, str(failure)))
    return
