# says: TypeError in your code
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
