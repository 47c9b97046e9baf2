# says: A record got the value that another partition has for this key.
values = [self._database.get(partition, key) for partition in self._active_partitions()]
return next((value for value in values if value is not None), None)
