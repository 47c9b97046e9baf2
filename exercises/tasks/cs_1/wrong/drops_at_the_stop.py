# says: A batch that was in flight at the stop was left unfinished.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if self._kernel.stop.is_set():
        break
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
