queues = {}
for wines in batches:
    queues.setdefault(partition_of(wines), []).append(wines)
kept = []
for queue in queues.values():
    while queue and queue[0].data_type in self._has_model:
        self._score(queue.pop(0))
    kept.extend(queue)
self._waiting = kept
self._room.set() if self._max_batches > len(kept) else self._room.clear()
