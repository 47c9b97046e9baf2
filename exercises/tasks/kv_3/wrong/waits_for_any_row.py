# says: A record was joined with an old row, while the table lagged behind it.
waiting = self._waiting[key]
while waiting:
    record, until_s = waiting[0]
    if key in self._rows or self._clock_s() >= until_s:
        emitted.append(Joined(record, self._rows.get(key)))
        waiting.popleft()
    else:
        break
if not waiting:
    del self._waiting[key]
