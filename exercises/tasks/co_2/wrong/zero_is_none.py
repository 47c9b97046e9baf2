# says: A persisted offset of 0 was taken for none.
for event in batch:
    message = event.message
    persisted = self._database.offset(message.partition)
    if persisted and message.offset <= persisted:
        continue
    if message.key is not None:
        self._database.put(message.partition, message.key, message.value)
    self._database.advance(message.partition, message.offset)
self._database.commit()
