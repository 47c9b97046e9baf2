# says: After a restart, redelivered records are counted again.
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        counters = state.counters()
        counters.ClearField("next_offsets")
        self._table[key.row(COUNTERS)] = counters.SerializeToString()
