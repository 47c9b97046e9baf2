# says: A key is still in self._waiting, though nothing of it waits.
waiting = self._waiting[key]
while waiting:
    record, until_s = waiting[0]
    if self._read_to_ms >= record.time_ms:
        row = self._rows.get(key)
    elif self._clock_s() >= until_s:
        row = None
    else:
        break
    emitted.append(Joined(record, row))
    waiting.popleft()
