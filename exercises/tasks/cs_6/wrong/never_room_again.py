# says: put still waits although a model has made room.
waiting, blocked = [], set()
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        self._score(wines)
    else:
        waiting.append(wines)
        blocked.add(partition)
self._waiting = waiting
if 0 < len(waiting) < self._max_batches:
    self._room.set()
elif waiting:
    self._room.clear()
