# says: An empty key was taken for none.
for event in batch:
    message = event.message
    known = self._database.offset(message.partition)
    if known is None or message.offset > known:
        if message.key:
            self._database.put(message.partition, message.key, message.value)
        self._database.advance(message.partition, message.offset)
self._database.commit()
