for key in after:
    state = after[key]
    if not self._may_keep(key, state):
        continue
    row = b"counters/%d/%s" % (key.partition, key.data_type.encode())
    self._table[row] = state.counters().SerializeToString()
    self._states[key] = state
