# says: A batch has written more than its own rows.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
for key, state in self._states.items():
    self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
