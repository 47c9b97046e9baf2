now_s = self._clock_s()
while key in self._waiting:
    (record, until_s), *others = self._waiting[key]
    if now_s >= until_s and self._read_to_ms < record.time_ms:
        joined = Joined(record, None)
    elif self._read_to_ms < record.time_ms:
        break
    elif key in self._rows:
        joined = Joined(record, self._rows[key])
    else:
        joined = Joined(record, None)
    emitted += [joined]
    if others:
        self._waiting[key] = deque(others)
    else:
        self._waiting.pop(key)
