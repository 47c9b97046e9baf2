# says: The row of a redelivered batch was not written again.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        row, value = key.row(COUNTERS), state.counters().SerializeToString()
        if self._table.get(row) != value:
            self._table[row] = value
