# says: After a restart, the counters of a partition are not in the table's rows.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        self._table[key.data_type.encode()] = state.counters().SerializeToString()
