# says: The persisted offset stays behind a record without a key.
for event in batch:
    message = event.message
    if message.key is None:
        continue
    known = self._database.offset(message.partition)
    if known is None or message.offset > known:
        self._database.put(message.partition, message.key, message.value)
        self._database.advance(message.partition, message.offset)
self._database.commit()
