# says: A fetch that brought nothing is scored as a batch.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
