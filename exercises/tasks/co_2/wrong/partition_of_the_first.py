# says: After the restore an entry is missing, or in the wrong partition.
events = list(batch)
partition = events[0].message.partition
for event in events:
    message = event.message
    persisted = self._database.offset(partition)
    if persisted is not None and message.offset <= persisted:
        continue
    if message.key is not None:
        self._database.put(partition, message.key, message.value)
    self._database.advance(partition, message.offset)
self._database.commit()
