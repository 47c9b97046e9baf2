newest, ends = {}, {}
for event in batch:
    message = event.message
    where = message.partition
    if where not in ends:
        known = self._database.offset(where)
        ends[where] = -1 if known is None else known
    if message.offset > ends[where]:
        ends[where] = message.offset
        if message.key is not None:
            newest[where, message.key] = message.value
for where, offset in ends.items():
    if offset >= 0:
        self._database.advance(where, offset)
for (where, key), value in newest.items():
    self._database.put(where, key, value)
self._database.commit()
