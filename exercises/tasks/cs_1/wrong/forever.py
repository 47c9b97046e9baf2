# says: The loop does not end after the stop.
while True:
    await self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
