pairs = list(self._waiting[key])
going = 0
for record, until_s in pairs:
    caught_up = self._read_to_ms >= record.time_ms
    if not caught_up and self._clock_s() < until_s:
        break
    emitted.append(Joined(record, self._rows.get(key) if caught_up else None))
    going += 1
self._waiting[key] = deque(pairs[going:])
if going == len(pairs):
    del self._waiting[key]
