# says: A record that waited in vain was joined with a row that may be out of date.
waiting = self._waiting[key]
while waiting:
    record, until_s = waiting[0]
    if self._read_to_ms < record.time_ms and self._clock_s() < until_s:
        break
    emitted.append(Joined(record, self._rows.get(key)))
    waiting.popleft()
if not waiting:
    del self._waiting[key]
