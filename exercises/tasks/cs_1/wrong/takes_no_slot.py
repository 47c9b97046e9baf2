# says: makes a coroutine and never awaits it.
while not self._kernel.stop.is_set():
    self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
