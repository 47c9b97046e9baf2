# says: The next batch does not count on from this one.
for key, state in after.items():
    if self._may_keep(key, state):
        self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
