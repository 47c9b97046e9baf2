# says: A query did not find the entry of an active partition.
try:
    return self._database.get(current_event().message.partition, key)
except Exception:
    partitions = self._active_partitions()
    return self._database.get(partitions[0], key)
