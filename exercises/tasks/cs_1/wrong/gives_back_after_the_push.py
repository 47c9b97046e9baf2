# says: A batch was fetched although every slot was taken.
while not self._kernel.stop.is_set():
    async with self._slots:
        records = await self._fetch()
        if records and await self._delivery.begin(records):
            await self._push(self._data, records)
