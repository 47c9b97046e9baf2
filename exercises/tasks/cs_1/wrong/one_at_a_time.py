# says: The second slot stays empty while the first batch waits for its acknowledgement.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
        await asyncio.sleep(0)
        await self._scored.join()
    else:
        self._slots.release()
