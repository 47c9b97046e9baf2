# says: Batches still wait although nothing before them does any more.
waiting, blocked = list(batches), set()
for wines in waiting:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        self._score(wines)
        waiting.remove(wines)
    else:
        blocked.add(partition)
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
