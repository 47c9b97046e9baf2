# says: A row of one partition has taken the place of another's.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        self._table[Key(2, key.data_type).row(COUNTERS)] = state.counters().SerializeToString()
