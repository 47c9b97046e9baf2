rows = {}
for key, state in after.items():
    if not self._may_keep(key, state):
        continue
    self._states[key] = state
    rows[key.row(COUNTERS)] = state.counters().SerializeToString()
self._table.update(rows)
