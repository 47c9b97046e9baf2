queue, now_s = self._waiting[key], self._clock_s()
while queue and (queue[0][0].time_ms <= self._read_to_ms or now_s > queue[0][1]):
    record, _ = queue.popleft()
    emitted.append(Joined(record, self._rows.get(key) if record.time_ms <= self._read_to_ms else None))
if not queue:
    del self._waiting[key]
