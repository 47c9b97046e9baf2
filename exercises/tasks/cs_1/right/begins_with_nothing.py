while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if await self._delivery.begin(records) and records:
        await self._push(self._data, records)
    else:
        self._slots.release()
