try:
    return self._database.get(self._partition_in_hand(), key)
except WrittenOutsideRecord:
    found = {partition: self._database.get(partition, key) for partition in self._active_partitions()}
    return next(iter([value for value in found.values() if value is not None]), None)
