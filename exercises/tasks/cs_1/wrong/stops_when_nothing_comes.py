# says: Batches are fetched after the stop.
while True:
    await self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
        continue
    self._slots.release()
    if self._kernel.stop.is_set():
        break
