for message in (event.message for event in batch):
    known = self._database.offset(message.partition)
    if known is None or message.offset > known:
        if message.key is not None:
            self._database.put(message.partition, message.key, message.value)
        self._database.advance(message.partition, message.offset)
        self._database.commit()
