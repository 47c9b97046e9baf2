# says: An entry whose value is empty was taken for none.
event = current_event()
partitions = self._active_partitions() if event is None else [event.message.partition]
for partition in partitions:
    if value := self._database.get(partition, key):
        return value
return None
