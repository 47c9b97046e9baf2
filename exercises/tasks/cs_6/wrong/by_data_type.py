# says: A batch has overtaken an older one of its partition that waits.
waiting = []
for wines in batches:
    if wines.data_type in self._has_model:
        self._score(wines)
    else:
        waiting.append(wines)
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
