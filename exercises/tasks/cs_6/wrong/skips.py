# says: A batch that waited was not scored when its model came.
for wines in batches:
    if wines.data_type in self._has_model:
        self._score(wines)
waiting = []
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
