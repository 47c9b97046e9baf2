# says: An old changelog record has undone a newer write.
for event in batch:
    message = event.message
    if message.key is not None:
        self._database.put(message.partition, message.key, message.value)
    self._database.advance(message.partition, message.offset)
self._database.commit()
