# says: those behind it that may go do not all follow in order
waiting = self._waiting[key]
record, until_s = waiting[0]
if self._read_to_ms >= record.time_ms:
    emitted.append(Joined(record, self._rows.get(key)))
    waiting.popleft()
elif self._clock_s() >= until_s:
    emitted.append(Joined(record, None))
    waiting.popleft()
if not waiting:
    del self._waiting[key]
