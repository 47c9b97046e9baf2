# says: A batch that could not begin has kept its slot.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if not records:
        self._slots.release()
    elif await self._delivery.begin(records):
        await self._push(self._data, records)
