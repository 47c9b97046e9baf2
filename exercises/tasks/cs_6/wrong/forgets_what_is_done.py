# says: A batch was scored twice, or not at all.
waiting, blocked = [], set()
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        self._score(wines)
    else:
        blocked.add(partition)
    waiting.append(wines)
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
