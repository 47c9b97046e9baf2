# says: put does not return although there is room for another batch.
waiting, blocked = [], set()
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        self._score(wines)
    else:
        waiting.append(wines)
        blocked.add(partition)
self._waiting = waiting
self._room.clear() if waiting else self._room.set()
