while True:
    await self._slots.acquire()
    if self._kernel.stop.is_set():
        self._slots.release()
        break
    records = await self._fetch()
    if not records:
        self._slots.release()
        continue
    if not await self._delivery.begin(records):
        self._slots.release()
        continue
    await self._push(self._data, records)
