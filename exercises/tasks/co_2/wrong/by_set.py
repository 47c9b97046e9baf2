# says: WrittenOutsideRecord in your code
for event in batch:
    self._set(event.message.key, event.message.value)
    self._database.advance(event.message.partition, event.message.offset)
self._database.commit()
