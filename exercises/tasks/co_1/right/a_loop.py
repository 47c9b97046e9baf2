event = current_event()
if event is not None:
    return self._database.get(event.message.partition, key)
for partition in self._active_partitions():
    value = self._database.get(partition, key)
    if value is not None:
        return value
return None
