# says: A query got an entry of a partition that is another instance's now.
event = current_event()
if event is not None:
    return self._database.get(event.message.partition, key)
for partition in range(self.table.partitions):
    value = self._database.get(partition, key)
    if value is not None:
        return value
return None
