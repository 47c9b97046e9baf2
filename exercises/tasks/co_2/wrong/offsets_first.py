# says: A kill in the middle of the restore leaves an offset whose data is not there.
new = []
for event in batch:
    message = event.message
    persisted = self._database.offset(message.partition)
    if persisted is None or message.offset > persisted:
        new.append(message)
for message in new:
    self._database.advance(message.partition, message.offset)
self._database.commit()
for message in new:
    if message.key is not None:
        self._database.put(message.partition, message.key, message.value)
self._database.commit()
