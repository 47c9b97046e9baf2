# says: A key that was never written has a value.
event = current_event()
partitions = self._active_partitions() if event is None else [event.message.partition]
values = (self._database.get(partition, key) for partition in partitions)
return next((value for value in values if value is not None), b"")
