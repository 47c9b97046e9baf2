# says: A batch was fetched, but it is not scored.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await asyncio.sleep(0)
    else:
        self._slots.release()
