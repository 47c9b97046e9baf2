# says: A batch was scored that the delivery mode has not begun.
while not self._kernel.stop.is_set():
    await self._slots.acquire()
    if records := await self._fetch():
        await self._push(self._data, records)
    else:
        self._slots.release()
