# says: A state was kept whose records are of a topic that was deleted.
self._states.update(after)
for key, state in after.items():
    self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
