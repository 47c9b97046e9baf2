# says: KeyboardInterrupt was taken for an error of the record.
import asyncio

try:
    await self._process(record)
    return
except asyncio.CancelledError:
    raise
except BaseException as error:
    failure = error
if not self._is_transient(failure):
    await self._dead_letter(RejectedRecord(record, f"{type(failure).__name__}: {failure}"))
    return
