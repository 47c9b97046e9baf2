# says: After a model for other batches, one that went on waiting is lost.
blocked = set()
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type not in self._has_model:
        blocked.add(partition)
    elif partition not in blocked:
        self._score(wines)
self._waiting = [wines for wines in batches if wines.data_type not in self._has_model]
if len(self._waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
