has_slot = False
while not self._kernel.stop.is_set():
    if not has_slot:
        await self._slots.acquire()
        has_slot = True
    records = await self._fetch()
    if len(records) > 0:
        ours = await self._delivery.begin(records)
        if ours:
            has_slot = False
            await self._push(self._data, records)
if has_slot:
    self._slots.release()
