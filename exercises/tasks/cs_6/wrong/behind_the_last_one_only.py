# says: A batch has overtaken one that itself waits behind another.
waiting, before = [], None
for wines in batches:
    has_model = wines.data_type in self._has_model
    partition = partition_of(wines)
    if has_model and partition != before:
        self._score(wines)
        before = None
    else:
        waiting.append(wines)
        before = None if has_model else partition
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
