# says: A fetch that brought nothing has kept its slot.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if not records:
        continue
    if await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
