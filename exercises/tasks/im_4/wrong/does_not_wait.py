# says: The record was done with before the broker had its dead letter.
import asyncio

try:
    await self._process(record)
    return
except Exception as error:
    failure = error
if not self._is_transient(failure):
    letter = self._dead_letter(RejectedRecord(record, f"{type(failure).__name__}: {failure}"))
    self._letter = asyncio.ensure_future(letter)
    await asyncio.sleep(0)
    return
