# says: A record was emitted a second time.
for record, until_s in self._waiting[key]:
    if self._read_to_ms >= record.time_ms:
        emitted.append(Joined(record, self._rows.get(key)))
    elif self._clock_s() >= until_s:
        emitted.append(Joined(record, None))
    else:
        break
