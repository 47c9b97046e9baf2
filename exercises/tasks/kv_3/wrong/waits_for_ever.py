# says: A record still waits after its time is over.
waiting = self._waiting[key]
while waiting and self._read_to_ms >= waiting[0][0].time_ms:
    record, _ = waiting.popleft()
    emitted.append(Joined(record, self._rows.get(key)))
if not waiting:
    del self._waiting[key]
