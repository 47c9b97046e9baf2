# says: A batch was dropped because the room was full.
waiting, blocked = [], set()
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        self._score(wines)
    else:
        waiting.append(wines)
        blocked.add(partition)
waiting = waiting[-self._max_batches :]
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
