# says: A record has overtaken an earlier one of its key.
left = deque()
for record, until_s in self._waiting[key]:
    if self._read_to_ms >= record.time_ms:
        emitted.append(Joined(record, self._rows.get(key)))
    elif self._clock_s() >= until_s:
        emitted.append(Joined(record, None))
    else:
        left.append((record, until_s))
self._waiting[key] = left
if not left:
    del self._waiting[key]
