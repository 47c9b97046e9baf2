# says: A row was written that is not bytes by bytes.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        self._table[key.row(COUNTERS)] = state.counters()
