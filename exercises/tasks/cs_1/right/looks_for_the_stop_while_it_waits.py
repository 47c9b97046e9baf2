async def slot():
    while not self._kernel.stop.is_set():
        try:
            async with asyncio.timeout(0.2):
                return await self._slots.acquire()
        except TimeoutError:
            pass
    return False

while await slot():
    pushed = False
    try:
        records = await self._fetch()
        if records and await self._delivery.begin(records):
            await self._push(self._data, records)
            pushed = True
    finally:
        if not pushed:
            self._slots.release()
