# says: A batch waits for a batch of another partition.
waiting = []
for wines in batches:
    if wines.data_type in self._has_model and not waiting:
        self._score(wines)
    else:
        waiting.append(wines)
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
