new = []
for event in batch:
    known = self._database.offset(event.message.partition)
    if known is None or known < event.message.offset:
        new.append(event.message)
for message in new:
    if message.key is not None:
        self._database.put(message.partition, message.key, message.value)
self._database.commit()
for message in new:
    self._database.advance(message.partition, message.offset)
self._database.commit()
