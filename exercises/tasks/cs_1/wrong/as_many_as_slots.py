# says: After two acknowledgements the next batches are not scored, or in another order.
for _ in range(self._kernel.settings.batches_in_flight):
    await self._slots.acquire()
    records = await self._fetch()
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()
await self._kernel.stop.wait()
