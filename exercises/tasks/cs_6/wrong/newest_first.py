# says: What waited in a partition was scored in another order than it had come.
waiting, blocked, ready = [], set(), []
for wines in batches:
    partition = partition_of(wines)
    if wines.data_type in self._has_model and partition not in blocked:
        ready.append(wines)
    else:
        waiting.append(wines)
        blocked.add(partition)
while ready:
    self._score(ready.pop())
self._waiting = waiting
if len(waiting) < self._max_batches:
    self._room.set()
else:
    self._room.clear()
