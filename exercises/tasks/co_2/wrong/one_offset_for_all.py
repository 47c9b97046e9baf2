# says: A persisted offset is wrong after a restore.
for event in batch:
    message = event.message
    persisted = self._database.offset(message.partition)
    if persisted is not None and message.offset <= persisted:
        continue
    if message.key is not None:
        self._database.put(message.partition, message.key, message.value)
self._database.advance(message.partition, message.offset)
self._database.commit()
