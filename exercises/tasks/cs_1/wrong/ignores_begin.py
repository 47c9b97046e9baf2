# says: A batch was scored although begin said that it is another instance's.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if records:
        await self._delivery.begin(records)
        await self._push(self._data, records)
    else:
        self._slots.release()
