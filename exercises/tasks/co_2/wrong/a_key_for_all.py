# says: A changelog record without a key was not passed over.
for event in batch:
    message = event.message
    persisted = self._database.offset(message.partition)
    if persisted is not None and message.offset <= persisted:
        continue
    self._database.put(message.partition, message.key or b"", message.value)
    self._database.advance(message.partition, message.offset)
self._database.commit()
