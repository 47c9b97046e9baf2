# says: A record without a row still waits, though the table has caught up.
waiting = self._waiting[key]
while waiting:
    record, until_s = waiting[0]
    if self._read_to_ms >= record.time_ms and key in self._rows:
        row = self._rows[key]
    elif self._clock_s() >= until_s:
        row = None
    else:
        break
    emitted.append(Joined(record, row))
    waiting.popleft()
if not waiting:
    del self._waiting[key]
