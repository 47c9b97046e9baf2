import asyncio

failure = None
try:
    await self._process(record)
except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
    raise
except Exception as error:
    if not self._is_transient(error):
        failure = error
    else:
        await self._sleep(0.5)
        continue
if failure is None:
    return
await self._dead_letter(RejectedRecord(record=record, reason=f"{type(failure).__qualname__}({failure})"))
return
