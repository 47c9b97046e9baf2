def is_known(record: StreamRecord) -> bool:
    return record.time_ms <= self._read_to_ms

queue, now_s = self._waiting.pop(key), self._clock_s()
while queue and (is_known(queue[0][0]) or queue[0][1] <= now_s):
    record = queue.popleft()[0]
    emitted.append(Joined(record, self._rows.get(key) if is_known(record) else None))
if queue:
    self._waiting[key] = queue
