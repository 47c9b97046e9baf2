# says: A batch that begins slowly is overtaken by the next one.
async def score(records):
    if records and await self._delivery.begin(records):
        await self._push(self._data, records)
    else:
        self._slots.release()

while not self._kernel.stop.is_set():
    await self._slots.acquire()
    tasks.create_task(score(await self._fetch()))
