# says: A state that may be kept was left out behind one that may not.
for key, state in after.items():
    if not self._may_keep(key, state):
        break
    self._states[key] = state
    self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
