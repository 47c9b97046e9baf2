# says: A record was given up because its row was not there yet.
waiting = self._waiting[key]
while waiting:
    record, until_s = waiting[0]
    if key not in self._rows or self._clock_s() >= until_s:
        row = None
    elif self._read_to_ms >= record.time_ms:
        row = self._rows[key]
    else:
        break
    emitted.append(Joined(record, row))
    waiting.popleft()
if not waiting:
    del self._waiting[key]
