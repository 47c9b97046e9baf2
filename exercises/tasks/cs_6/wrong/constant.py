# says: A batch was scored although its data type has no model.
for wines in batches:
    self._score(wines)
self._waiting = []
self._room.set()
