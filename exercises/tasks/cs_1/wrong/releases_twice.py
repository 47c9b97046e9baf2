# says: A fetch that brought nothing has given back more slots than it had taken.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if not records:
        self._slots.release()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
