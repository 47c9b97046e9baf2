blocked = {}
for number, wines in enumerate(batches):
    if wines.data_type not in self._has_model:
        blocked.setdefault(partition_of(wines), number)

def is_ready(number, wines):
    first = blocked.get(partition_of(wines))
    return first is None or number < first

ready = [wines for number, wines in enumerate(batches) if is_ready(number, wines)]
self._waiting = tuple(wines for number, wines in enumerate(batches) if not is_ready(number, wines))
for wines in ready:
    self._score(wines)
self._room.clear()
if len(self._waiting) < self._max_batches:
    self._room.set()
