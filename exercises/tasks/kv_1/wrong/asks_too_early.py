# says: Data types that have no model fill the table without a limit.
kept = {key: state for key, state in after.items() if self._may_keep(key, state)}
self._states.update(kept)
for key, state in kept.items():
    self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
