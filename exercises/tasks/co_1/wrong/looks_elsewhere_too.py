# says: A record got the value that another partition has for this key.
event = current_event()
if event is not None:
    value = self._database.get(event.message.partition, key)
    if value is not None:
        return value
for partition in self._active_partitions():
    value = self._database.get(partition, key)
    if value is not None:
        return value
return None
