# says: The row in the table is not the newest state's.
for key, state in after.items():
    if self._may_keep(key, state):
        self._table[key.row(COUNTERS)] = self._states.get(key, state).counters().SerializeToString()
        self._states[key] = state
